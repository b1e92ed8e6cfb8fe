package fetch

import (
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"haulmail/maildir"
)

// powerDisk is a maildir.Disk in memory that knows what a power cut may leave of it. fsync of a file makes its content durable, and
// not its entry in a folder; fsync of a folder makes its entries durable, and nothing else; syncfs makes all durable. Everything else
// is durable or not as it happens (powercut_states_test.go): each entry of each folder, and each content, for itself.
type powerDisk struct {
	mu    sync.Mutex
	nodes []*node // by inode number; 0 is the Maildir
	other node    // every folder outside of it: durable, and not ours
	files map[int]*node
	read  map[int]int // octets read, by descriptor
	moves int         // renames so far

	journal bool // a rename is durable as a whole or not at all, as on ext4, XFS and btrfs
	deaf    bool // syncfs does not tell of errors here, so that haulmail must not use it

	before func(next string)            // is called before each change, with the disk as it was
	drop   func(call, path string) bool // the calls that claim success and do nothing
}

// node is a file or a folder.
type node struct {
	ino          int
	data, synced []byte           // of a file: as it is read, and as it is durable; the octets never change, clones share them
	entries      map[string]entry // of a folder
}

// entry is what a name in a folder stood for since the folder was made durable last, in this order: the first is durable, the last is seen.
type entry []binding

type binding struct {
	node *node // nil: no such name
	move int   // the rename that this is one half of, or 0
}

func (e entry) last() *node { return e[len(e)-1].node }

const mountedAt = "/mail"

// newPowerDisk gives a disk with an empty Maildir, durable.
func newPowerDisk() *powerDisk {
	d := &powerDisk{files: make(map[int]*node), read: make(map[int]int), other: node{entries: map[string]entry{}}}
	root := d.newNode(true)
	for _, name := range []string{"new", "cur", "tmp"} {
		root.entries[name] = entry{{node: d.newNode(true)}}
	}
	return d
}

func (d *powerDisk) newNode(folder bool) *node {
	n := &node{ino: len(d.nodes)}
	if folder {
		n.entries = make(map[string]entry)
	}
	d.nodes = append(d.nodes, n)
	return n
}

// clone copies what is on the disk, durable and not; nothing is open.
func (d *powerDisk) clone() *powerDisk {
	c := &powerDisk{moves: d.moves, journal: d.journal, deaf: d.deaf, files: make(map[int]*node), read: make(map[int]int), other: d.other}
	for _, n := range d.nodes {
		c.newNode(n.entries != nil)
		c.nodes[n.ino].data, c.nodes[n.ino].synced = n.data, n.synced
	}
	for _, n := range d.nodes {
		for name, e := range n.entries {
			copied := slices.Clone(e)
			for i, b := range e {
				if b.node != nil {
					copied[i].node = c.nodes[b.node.ino]
				}
			}
			c.nodes[n.ino].entries[name] = copied
		}
	}
	return c
}

// folder gives the folder at a path below the Maildir, as it is seen.
func (d *powerDisk) folder(path string) *node {
	n := d.nodes[0]
	for name := range strings.SplitSeq(path, "/") {
		n = n.entries[name].last()
	}
	return n
}

// path gives where a node is to be found; for failures and for drop.
func (d *powerDisk) path(n *node) string {
	for _, above := range d.nodes {
		for name, e := range above.entries {
			if e.last() == n {
				return strings.TrimPrefix(d.path(above)+"/"+name, "/")
			}
		}
	}
	return ""
}

// get finds what a name stands for, seen from an open folder.
func (d *powerDisk) get(dir int, name string) (*node, error) {
	if dir == unix.AT_FDCWD {
		if name != mountedAt {
			return &d.other, nil
		}
		return d.nodes[0], nil
	}
	folder := d.files[dir]
	if folder == nil || folder.entries == nil {
		return nil, unix.EBADF
	}
	if name == "." || name == "" {
		return folder, nil
	}
	if name == ".." {
		return nil, unix.EACCES // what is above the Maildir is not ours either
	}
	if e, ok := folder.entries[name]; ok && e.last() != nil {
		return e.last(), nil
	}
	return nil, unix.ENOENT
}

// change is called, with the lock held, before anything changes.
func (d *powerDisk) change(call string, n *node) {
	if d.before != nil {
		d.before(call + " " + d.path(n))
	}
}

// bind lets a name stand for n from now on; nil removes it.
func (d *powerDisk) bind(folder *node, name string, n *node, move int) {
	e := folder.entries[name]
	if e == nil {
		e = entry{{}}
	}
	folder.entries[name] = append(slices.Clip(e), binding{n, move})
}

func (d *powerDisk) Open(dir int, name string, flags int, _ uint32) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.get(dir, name)
	switch {
	case err == unix.ENOENT && flags&unix.O_CREAT != 0:
		d.change("create in", d.files[dir])
		n = d.newNode(false)
		d.bind(d.files[dir], name, n, 0)
	case err != nil:
		return -1, err
	case flags&unix.O_EXCL != 0:
		return -1, unix.EEXIST
	case flags&unix.O_DIRECTORY != 0 && n.entries == nil:
		return -1, unix.ENOTDIR
	}
	fd := 3
	for d.files[fd] != nil {
		fd++
	}
	d.files[fd], d.read[fd] = n, 0
	return fd, nil
}

func (d *powerDisk) Mkdir(dir int, name string, _ uint32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.get(dir, name); err != unix.ENOENT {
		return unix.EEXIST
	}
	d.change("mkdir in", d.files[dir])
	d.bind(d.files[dir], name, d.newNode(true), 0)
	return nil
}

func (d *powerDisk) Write(fd int, p []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.change("write", d.files[fd])
	d.files[fd].data = append(slices.Clip(d.files[fd].data), p...)
	return nil
}

func (d *powerDisk) Read(fd int, p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := copy(p, d.files[fd].data[d.read[fd]:])
	d.read[fd] += n
	return n, nil
}

func (d *powerDisk) Close(fd int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[fd] == nil {
		return unix.EBADF
	}
	delete(d.files, fd)
	return nil
}

func (d *powerDisk) Sync(fd int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.files[fd]
	if n == nil {
		return unix.EBADF
	}
	d.change("fsync", n)
	if d.drop == nil || !d.drop("fsync", d.path(n)) {
		d.makeDurable(n)
	}
	return nil
}

func (d *powerDisk) SyncFS(int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.change("syncfs", d.nodes[0])
	if d.drop == nil || !d.drop("syncfs", "") {
		for _, n := range d.nodes {
			d.makeDurable(n)
		}
	}
	return nil
}

func (d *powerDisk) SyncFSReports(int) bool { return !d.deaf }

func (d *powerDisk) makeDurable(n *node) {
	n.synced = n.data
	for name, e := range n.entries {
		d.settle(n, name, len(e)-1)
	}
}

// settle makes what a name stood for at one time durable, with what came before. A journal takes the other halves of its renames along.
func (d *powerDisk) settle(folder *node, name string, at int) {
	e := folder.entries[name]
	folder.entries[name] = e[at:]
	if len(e[at:]) == 1 && e.last() == nil {
		delete(folder.entries, name)
	}
	for _, b := range e[1 : at+1] {
		if b.move == 0 || !d.journal {
			continue
		}
		for _, other := range d.nodes {
			for name, e := range other.entries {
				if i := slices.IndexFunc(e, func(o binding) bool { return o.move == b.move }); i > 0 {
					d.settle(other, name, i)
				}
			}
		}
	}
}

func (d *powerDisk) Rename(fromDir int, from string, toDir int, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.get(fromDir, from)
	if err != nil {
		return err
	}
	if _, err := d.get(toDir, to); err != unix.ENOENT {
		return unix.EEXIST
	}
	d.change("rename", n)
	d.rename(d.files[fromDir], from, d.files[toDir], to, n)
	return nil
}

func (d *powerDisk) rename(fromDir *node, from string, toDir *node, to string, n *node) {
	d.moves++
	d.bind(toDir, to, n, d.moves)
	d.bind(fromDir, from, nil, d.moves)
}

func (d *powerDisk) Remove(dir int, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.get(dir, name)
	if err != nil {
		return err
	}
	d.change("remove", n)
	d.bind(d.files[dir], name, nil, 0)
	return nil
}

func (d *powerDisk) RemoveDir(dir int, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.get(dir, name)
	if err != nil {
		return err
	}
	for _, e := range n.entries {
		if e.last() != nil {
			return unix.ENOTEMPTY
		}
	}
	d.change("rmdir", n)
	d.bind(d.files[dir], name, nil, 0)
	return nil
}

func (d *powerDisk) Stat(dir int, name string) (maildir.Info, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.get(dir, name)
	if err != nil {
		return maildir.Info{}, err
	}
	return maildir.Info{Dev: 1, Ino: uint64(n.ino) + 1, Size: int64(len(n.data)), Regular: n.entries == nil}, nil
}

func (d *powerDisk) List(dir int, fn func(name string) error) error {
	d.mu.Lock()
	var names []string
	for name, e := range d.files[dir].entries {
		if e.last() != nil {
			names = append(names, name)
		}
	}
	d.mu.Unlock()
	for _, name := range names {
		if err := fn(name); err != nil {
			return err
		}
	}
	return nil
}
