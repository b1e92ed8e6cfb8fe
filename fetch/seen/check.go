package seen

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// bbolt maps the file and believes it: a page number or a length that was altered leads it to fault, to run in circles or to
// write over live pages. So checkFile looks at the file before bbolt does. It reads with pread, the page heads and keys only
// (some 50 reads for 100,000 UIDs), and holds that the two things meet: each page is either part of the tree, once, or free.
//
// The layout is that of bbolt's file format version 2, in the byte order of the machine (bbolt's internal/common/page.go,
// meta.go, bucket.go). What the values hold is the business of seal.

const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageBranch   = 0x01
	pageLeaf     = 0x02
	pageFreelist = 0x10

	pageHead    = 16 // id u64, flags u16, count u16, overflow u32
	elementSize = 16 // leaf: flags, pos, ksize, vsize u32; branch: pos, ksize u32, page u64
	metaSize    = 64
	bucketRoot  = 16 // root u64, sequence u64

	minPage, maxPage = 1 << 10, 16 << 20 // page sizes that bbolt looks for
	maxDepth         = 32                // a billion records need 4
	maxBoltKey       = 32 << 10
)

var native = binary.NativeEndian

// meta is one of the file's two head pages.
type meta struct {
	pageSize             int64
	root, freelist, high uint64 // high: the first page number that was never used
	txid                 uint64
}

// checker walks one state of the file.
type checker struct {
	f    io.ReaderAt
	meta meta
	used []bool // by page number
	page []byte // the leaf page at hand
}

// checkFile returns the damage of a file, or nil.
func checkFile(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return damage("not a regular file")
	}
	m, ok, err := newestMeta(f, info.Size())
	if err != nil {
		return err
	}
	if !ok {
		return damage("not a state file, or cut short")
	}
	if m.high < 4 || m.high > uint64(info.Size()/m.pageSize) {
		return damagef("cut short: %d bytes of %d pages of %d bytes", info.Size(), m.high, m.pageSize)
	}
	c := &checker{f: f, meta: m, used: make([]bool, m.high), page: make([]byte, m.pageSize)}
	c.used[0], c.used[1] = true, true
	if err := c.tree(m.root, nil, nil, maxDepth, true); err != nil {
		return err
	}
	if err := c.freelist(); err != nil {
		return err
	}
	for id, used := range c.used {
		if !used {
			return damagef("page %d is lost", id)
		}
	}
	return nil
}

// newestMeta finds the head page that bbolt will use: of the valid ones that with the higher transaction number. Its error is
// the disk's.
func newestMeta(f io.ReaderAt, size int64) (newest meta, ok bool, err error) {
	first, ok, err := readMeta(f, 0)
	if err != nil {
		return meta{}, false, err
	}
	if ok {
		second, ok, err := readMeta(f, first.pageSize)
		if err != nil {
			return meta{}, false, err
		}
		if ok && second.txid > first.txid {
			return second, true, nil
		}
		return first, true, nil
	}
	for at := int64(minPage); at <= maxPage && at < size; at *= 2 {
		if m, ok, err := readMeta(f, at); err != nil || ok && m.pageSize == at {
			return m, ok, err
		}
	}
	return meta{}, false, nil
}

func readMeta(f io.ReaderAt, at int64) (m meta, ok bool, err error) {
	var page [pageHead + metaSize]byte
	if _, err := f.ReadAt(page[:], at); errors.Is(err, io.EOF) {
		return meta{}, false, nil
	} else if err != nil {
		return meta{}, false, fmt.Errorf("head page: %w", err)
	}
	b := page[pageHead:]
	sum := fnv.New64a()
	sum.Write(b[:56])
	m = meta{
		pageSize: int64(native.Uint32(b[8:])),
		root:     native.Uint64(b[16:]),
		freelist: native.Uint64(b[32:]),
		high:     native.Uint64(b[40:]),
		txid:     native.Uint64(b[48:]),
	}
	ok = native.Uint32(b) == boltMagic && native.Uint32(b[4:]) == boltVersion && native.Uint64(b[56:]) == sum.Sum64() &&
		m.pageSize >= minPage && m.pageSize <= maxPage && m.pageSize&(m.pageSize-1) == 0
	return m, ok, nil
}

// unread says why a read failed. An end that comes too early is damage of the file; anything else is the disk's, and the file may
// be whole.
func unread(what string, err error) error {
	if errors.Is(err, io.EOF) {
		return damagef("%s: %v", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// node is the head of a page that belongs to the tree or holds the freelist.
type node struct {
	flags, count uint16
	at, size     int64 // bytes, overflow pages included
}

// claim reads the head of page id into c.page and marks the page, and its overflow pages, as used.
func (c *checker) claim(id uint64) (n node, err error) {
	if id < 2 || id >= c.meta.high {
		return n, damagef("page number %d", id)
	}
	n.at = int64(id) * c.meta.pageSize
	if _, err := c.f.ReadAt(c.page, n.at); err != nil {
		return n, unread(fmt.Sprintf("page %d", id), err)
	}
	overflow := uint64(native.Uint32(c.page[12:]))
	if native.Uint64(c.page) != id || overflow >= c.meta.high-id {
		return n, damagef("head of page %d", id)
	}
	for p := id; p <= id+overflow; p++ {
		if err := c.use(p); err != nil {
			return n, err
		}
	}
	n.flags, n.count = native.Uint16(c.page[8:]), native.Uint16(c.page[10:])
	n.size = int64(overflow+1) * c.meta.pageSize
	return n, nil
}

func (c *checker) use(id uint64) error {
	if id >= c.meta.high || c.used[id] {
		return damagef("page %d is used twice", id)
	}
	c.used[id] = true
	return nil
}

// tree checks the tree below page id, whose keys are to be in [low, high). The tree at the top holds buckets only, those below
// it values only.
func (c *checker) tree(id uint64, low, high []byte, depth int, top bool) error {
	n, err := c.claim(id)
	if err != nil {
		return err
	}
	if depth == 0 || pageHead+int64(n.count)*elementSize > n.size {
		return damagef("page %d: %d elements", id, n.count)
	}
	switch n.flags {
	case pageBranch:
		return c.branch(n, low, high, depth, top)
	case pageLeaf:
		buckets, err := c.leaf(n, low, high, top)
		for _, root := range buckets {
			if err == nil {
				err = c.tree(root, nil, nil, depth-1, false)
			}
		}
		return err
	}
	return damagef("page %d is of type %x", id, n.flags)
}

// branch checks a branch page and all below it.
func (c *checker) branch(n node, low, high []byte, depth int, top bool) error {
	if n.count == 0 {
		return damagef("branch without children at %d", n.at)
	}
	b, err := c.bytes(n, 0, n.size)
	if err != nil {
		return err
	}
	b = bytes.Clone(b) // c.page is used again further down
	keys := make([][]byte, n.count, n.count+1)
	for i := range keys {
		el := b[pageHead+i*elementSize:]
		from := int64(pageHead+i*elementSize) + int64(native.Uint32(el))
		to := from + int64(native.Uint32(el[4:]))
		if to > n.size {
			return damagef("key %d of the page at %d", i, n.at)
		}
		keys[i] = b[from:to]
		if err := inOrder(keys[i], low, high, i > 0, n); err != nil {
			return err
		}
		low = keys[i]
	}
	keys = append(keys, high)
	for i := range int(n.count) {
		child := native.Uint64(b[pageHead+i*elementSize+8:])
		if err := c.tree(child, keys[i], keys[i+1], depth-1, top); err != nil {
			return err
		}
	}
	return nil
}

// inOrder checks a key: not before low (not low itself, if after is set), and before high.
func inOrder(key, low, high []byte, after bool, n node) error {
	order := bytes.Compare(key, low)
	if len(key) == 0 || order < 0 || after && order == 0 || high != nil && bytes.Compare(key, high) >= 0 {
		return damagef("order of keys in the page at %d", n.at)
	}
	return nil
}

// leaf checks a leaf page and returns the root pages of the buckets in it.
func (c *checker) leaf(n node, low, high []byte, top bool) (buckets []uint64, err error) {
	elements, err := c.bytes(n, pageHead, int64(n.count)*elementSize)
	if err != nil {
		return nil, err
	}
	for i := range int64(n.count) {
		el := elements[i*elementSize:]
		at := pageHead + i*elementSize + int64(native.Uint32(el[4:]))
		ksize, vsize := int64(native.Uint32(el[8:])), int64(native.Uint32(el[12:]))
		if ksize > maxBoltKey || at+ksize+vsize > n.size || (native.Uint32(el) == 1) != top || native.Uint32(el) > 1 {
			return nil, damagef("element %d of the page at %d", i, n.at)
		}
		key, err := c.bytes(n, at, ksize)
		if err != nil {
			return nil, err
		}
		if err := inOrder(key, low, high, i > 0, n); err != nil {
			return nil, err
		}
		low = bytes.Clone(key)
		if top {
			root, err := c.bucket(n, at+ksize, vsize)
			if err != nil {
				return nil, err
			}
			if root != 0 {
				buckets = append(buckets, root)
			}
		}
	}
	return buckets, nil
}

// bucket checks a bucket's value: its root page, or 0 and an inline page behind it, which is checked here.
func (c *checker) bucket(n node, at, size int64) (root uint64, err error) {
	if size < bucketRoot || size > c.meta.pageSize {
		return 0, damagef("bucket at %d", n.at+at)
	}
	b, err := c.bytes(n, at, size)
	if err != nil {
		return 0, err
	}
	if root := native.Uint64(b); root != 0 {
		return root, nil
	}
	inline := node{at: n.at + at + bucketRoot, size: size - bucketRoot}
	if inline.size < pageHead {
		return 0, damagef("inline bucket at %d", inline.at)
	}
	inline.flags, inline.count = native.Uint16(b[bucketRoot+8:]), native.Uint16(b[bucketRoot+10:])
	if inline.flags != pageLeaf || pageHead+int64(inline.count)*elementSize > inline.size {
		return 0, damagef("inline bucket at %d", inline.at)
	}
	sub := &checker{f: c.f, meta: c.meta}
	_, err = sub.leaf(inline, nil, nil, false)
	return 0, err
}

// freelist checks the list of free pages.
func (c *checker) freelist() error {
	n, err := c.claim(c.meta.freelist)
	if err != nil {
		return err
	}
	if n.flags != pageFreelist {
		return damage("no list of free pages")
	}
	at, count := int64(pageHead), uint64(n.count)
	if count == 0xFFFF { // then the first number is the count
		b, err := c.bytes(n, at, 8)
		if err != nil {
			return err
		}
		at, count = at+8, native.Uint64(b)
	}
	if count > uint64(n.size-at)/8 {
		return damage("list of free pages is too long")
	}
	b, err := c.bytes(n, at, int64(count)*8)
	if err != nil {
		return err
	}
	for ; len(b) > 0; b = b[8:] {
		if err := c.use(native.Uint64(b)); err != nil {
			return err
		}
	}
	return nil
}

// bytes returns size bytes of a node, which was claimed last if c.page is in use. They are valid until the next claim.
func (c *checker) bytes(n node, at, size int64) ([]byte, error) {
	if at+size <= int64(len(c.page)) {
		return c.page[at : at+size], nil
	}
	b := make([]byte, size)
	if _, err := c.f.ReadAt(b, n.at+at); err != nil {
		return nil, unread(fmt.Sprintf("read at %d", n.at+at), err)
	}
	return b, nil
}
