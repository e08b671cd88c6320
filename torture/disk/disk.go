package disk

import (
	"maps"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Model says what an fsync makes durable besides the bytes of its file.
type Model int

const (
	// Letter is POSIX by the letter: the entries of a directory become durable by an fsync of that directory alone.
	Letter Model = iota
	// Journal is what ext4, XFS and Btrfs do: an fsync commits every change of directories made before it.
	Journal
)

// String names the model as the command line does.
func (m Model) String() string { return [...]string{"letter", "journal"}[m] }

// Disk is a file system. Its methods may be called by many goroutines at once; their errors are of type [syscall.Errno].
type Disk struct {
	mu     sync.Mutex
	model  Model
	root   *Node
	moves  []move // changes of directories that are not durable, in order
	inodes uint64
}

// Node is a file or a directory. All it holds is guarded by the disk.
type Node struct {
	inode    uint64
	mode     uint32 // type and permissions
	changed  time.Time
	links    int // names it has
	content  []byte
	platter  []byte   // content that is durable
	pending  []change // what lies between the two, in order
	entries  map[string]*Node
	platters map[string]*Node // entries that are durable
}

// change is a write or, when bytes is nil, a truncation of a file to the size at.
type change struct {
	at    int64
	bytes []byte
}

// move is a change of one or two directories that happens as a whole.
type move []entry

// entry gives a name in a directory to a node, or takes it away when the node is nil.
type entry struct {
	dir  *Node
	name string
	node *Node
}

// Attributes are what stat shows.
type Attributes struct {
	Inode   uint64
	Mode    uint32
	Size    int64
	Links   int
	Changed time.Time
}

// New makes an empty disk.
func New(m Model) *Disk {
	d := &Disk{model: m}
	d.root = d.node(syscall.S_IFDIR | 0o755)
	d.root.links = 1
	return d
}

func (d *Disk) node(mode uint32) *Node {
	d.inodes++
	n := &Node{inode: d.inodes, mode: mode, changed: time.Now()}
	if n.isDir() {
		n.entries, n.platters = map[string]*Node{}, map[string]*Node{}
	}
	return n
}

func (n *Node) isDir() bool { return n.mode&syscall.S_IFMT == syscall.S_IFDIR }

// Root is the topmost directory.
func (d *Disk) Root() *Node { return d.root }

// locked runs a change.
func (d *Disk) locked(fn func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fn()
}

// Attributes are those of a node.
func (d *Disk) Attributes(n *Node) Attributes {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Attributes{Inode: n.inode, Mode: n.mode, Size: int64(len(n.content)), Links: n.links, Changed: n.changed}
}

// Lookup finds a name in a directory: ENOENT when it is not there.
func (d *Disk) Lookup(dir *Node, name string) (*Node, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := dir.entries[name]; n != nil {
		return n, nil
	}
	return nil, syscall.ENOENT
}

// List gives the names in a directory, sorted.
func (d *Disk) List(dir *Node) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(dir.entries))
}

// Make makes a file or, with the type S_IFDIR in mode, a directory: EEXIST when the name is taken, ENOENT when the directory has been removed.
func (d *Disk) Make(dir *Node, name string, mode uint32) (n *Node, err error) {
	err = d.locked(func() error {
		switch {
		case dir.entries[name] != nil:
			return syscall.EEXIST
		case dir.links == 0:
			return syscall.ENOENT
		}
		n = d.node(mode)
		d.apply(move{{dir, name, n}})
		return nil
	})
	return n, err
}

// Remove takes a name away: ENOENT when it is not there, ENOTEMPTY when it is a directory with entries.
func (d *Disk) Remove(dir *Node, name string) error {
	return d.locked(func() error {
		n := dir.entries[name]
		switch {
		case n == nil:
			return syscall.ENOENT
		case len(n.entries) > 0:
			return syscall.ENOTEMPTY
		}
		d.apply(move{{dir, name, nil}})
		return nil
	})
}

// Rename moves a name, atomically, and replaces what had the new one.
func (d *Disk) Rename(from *Node, name string, to *Node, newName string) error {
	return d.locked(func() error {
		n, old := from.entries[name], to.entries[newName]
		switch {
		case n == nil:
			return syscall.ENOENT
		case n == old:
			return nil
		case old != nil && len(old.entries) > 0:
			return syscall.ENOTEMPTY
		}
		d.apply(move{{from, name, nil}, {to, newName, n}})
		return nil
	})
}

// Exchange swaps two names, atomically.
func (d *Disk) Exchange(a *Node, nameA string, b *Node, nameB string) error {
	return d.locked(func() error {
		x, y := a.entries[nameA], b.entries[nameB]
		if x == nil || y == nil {
			return syscall.ENOENT
		}
		d.apply(move{{a, nameA, y}, {b, nameB, x}})
		return nil
	})
}

// apply makes a change of directories visible and notes that it is not durable.
func (d *Disk) apply(m move) {
	for _, e := range m {
		if old := e.dir.entries[e.name]; old != nil {
			old.links--
		}
		e.set(e.dir.entries)
		if e.node != nil {
			e.node.links++
		}
		e.dir.changed = time.Now()
	}
	d.moves = append(d.moves, m)
}

func (e entry) set(entries map[string]*Node) {
	if e.node == nil {
		delete(entries, e.name)
	} else {
		entries[e.name] = e.node
	}
}

// Read reads from a file and gives how many bytes there were.
func (d *Disk) Read(n *Node, b []byte, at int64) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at >= int64(len(n.content)) {
		return 0
	}
	return copy(b, n.content[at:])
}

// Write writes to a file.
func (d *Disk) Write(n *Node, b []byte, at int64) error {
	return d.change(n, change{at, slices.Clone(b)})
}

// Truncate makes a file longer or shorter.
func (d *Disk) Truncate(n *Node, size int64) error { return d.change(n, change{at: size}) }

func (d *Disk) change(n *Node, c change) error {
	return d.locked(func() error {
		n.content = c.to(n.content)
		n.pending = append(n.pending, c)
		n.changed = time.Now()
		return nil
	})
}

// to makes the change to a content and gives what it is then.
func (c change) to(content []byte) []byte {
	size := c.at + int64(len(c.bytes))
	if c.bytes == nil && size < int64(len(content)) {
		clear(content[size:])
		return content[:size]
	}
	if missing := size - int64(len(content)); missing > 0 {
		content = slices.Grow(content, int(missing))[:size]
	}
	copy(content[c.at:], c.bytes)
	return content
}

// Mode sets permissions. They are durable at once: nothing depends on theirs.
func (d *Disk) Mode(n *Node, permissions uint32) error {
	return d.locked(func() error {
		n.mode = n.mode&syscall.S_IFMT | permissions&^syscall.S_IFMT
		return nil
	})
}

// Sync makes a file's bytes durable, or a directory's entries; with [Journal], all directories' entries in both cases.
func (d *Disk) Sync(n *Node) error {
	return d.locked(func() error {
		for _, c := range n.pending {
			n.platter = c.to(n.platter)
		}
		n.pending = nil
		d.commit(n)
		return nil
	})
}

// commit makes the changes of directories durable that an fsync of n covers.
func (d *Disk) commit(n *Node) {
	d.moves = slices.DeleteFunc(d.moves, func(m move) bool {
		covered := d.model == Journal || slices.ContainsFunc(m, func(e entry) bool { return e.dir == n })
		if covered {
			m.engrave()
		}
		return covered
	})
}

func (m move) engrave() {
	for _, e := range m {
		e.set(e.dir.platters)
	}
}
