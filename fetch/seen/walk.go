package seen

import (
	"unsafe"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// releaseEvery is how much is read of the blocks, in bytes, before its pages are given back.
const releaseEvery = 1 << 20

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
			release(tx, sealed)
		}
		return err
	})
}

// release gives the memory of the file's pages back to the system, which has them in its cache. The file is mapped, and a walk over a
// large state would leave all of it in the process's memory. value is what was read last; it and all others stay as valid as they were.
func release(tx *bolt.Tx, value []byte) {
	p := unsafe.Pointer(unsafe.SliceData(value))
	offset := uintptr(p) - tx.DB().Info().Data
	if offset >= uintptr(tx.Size()) {
		return // not from the file: bbolt has made a copy
	}
	file := unsafe.Slice((*byte)(unsafe.Add(p, -int(offset))), tx.Size())
	_ = unix.Madvise(file, unix.MADV_DONTNEED) // no more than advice, and lost memory is all that can come of its failure
}
