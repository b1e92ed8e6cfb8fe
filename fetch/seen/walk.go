package seen

import (
	"unsafe"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// eachBlock calls fn for each block of records, in the order they were recorded, until it returns an error, which it passes on.
func eachBlock(tx *bolt.Tx, fn func(key, sealed []byte) error) error {
	blocks, err := bucket(tx, bucketSeen)
	if err != nil {
		return err
	}
	read := 0
	return blocks.ForEach(func(key, sealed []byte) error {
		err := fn(key, sealed)
		if read += len(sealed); read >= releaseEvery {
			read = 0
			release(tx)
		}
		return err
	})
}

// release gives the memory of the file's pages back to the system, which has them in its cache. The file is mapped: a walk over a large
// state would leave all of it in the process's memory, and a thousand small states, open while their servers are waited for, some 32 KiB
// each. What was read stays as valid as it was.
func release(tx *bolt.Tx) {
	file := unsafe.Slice((*byte)(unsafe.Add(nil, tx.DB().Info().Data)), tx.Size())
	_ = unix.Madvise(file, unix.MADV_DONTNEED) // no more than advice, and lost memory is all that can come of its failure
}
