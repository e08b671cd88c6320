package mount

import (
	"context"
	"errors"
	"path"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/pagesrun/pagesrun/torture/disk"
	"golang.org/x/sys/unix"
)

// node is a file or directory as the kernel sees it.
type node struct {
	fs.Inode
	disk   *disk.Disk
	at     *disk.Node
	faults *Faults
}

// strike says whether an operation on this file, or on a name in this directory, is to fail.
func (n *node) strike(op Operation, name string) syscall.Errno {
	return n.faults.strike(op, func() string { return path.Join("/", n.Path(n.Root()), name) })
}

var (
	_ fs.NodeLookuper  = (*node)(nil)
	_ fs.NodeGetattrer = (*node)(nil)
	_ fs.NodeSetattrer = (*node)(nil)
	_ fs.NodeReaddirer = (*node)(nil)
	_ fs.NodeCreater   = (*node)(nil)
	_ fs.NodeMkdirer   = (*node)(nil)
	_ fs.NodeMknoder   = (*node)(nil)
	_ fs.NodeUnlinker  = (*node)(nil)
	_ fs.NodeRmdirer   = (*node)(nil)
	_ fs.NodeRenamer   = (*node)(nil)
	_ fs.NodeOpener    = (*node)(nil)
	_ fs.NodeReader    = (*node)(nil)
	_ fs.NodeWriter    = (*node)(nil)
	_ fs.NodeFsyncer   = (*node)(nil)
	_ fs.NodeStatfser  = (*node)(nil)
)

// handle is an open file. Where it was opened with O_SYNC or O_DSYNC, writes through it are durable at once.
type handle struct{ sync bool }

func newHandle(flags uint32) handle { return handle{flags&syscall.O_DSYNC != 0} }

// errno is the kernel's form of the disk's errors.
func errno(err error) syscall.Errno {
	var e syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e
	}
	return syscall.EIO
}

func show(a disk.Attributes, out *fuse.Attr) {
	out.Ino, out.Mode, out.Size, out.Nlink = a.Inode, a.Mode, uint64(a.Size), uint32(a.Links)
	out.Blocks, out.Blksize = (out.Size+511)/512, 4096
	out.SetTimes(&a.Changed, &a.Changed, &a.Changed)
}

// child makes the kernel's node of a file that has a name in this directory.
func (n *node) child(ctx context.Context, at *disk.Node, out *fuse.EntryOut) *fs.Inode {
	a := n.disk.Attributes(at)
	show(a, &out.Attr)
	return n.NewInode(ctx, &node{disk: n.disk, at: at, faults: n.faults}, fs.StableAttr{Mode: a.Mode, Ino: a.Inode})
}

// Lookup finds a name.
func (n *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	at, err := n.disk.Lookup(n.at, name)
	if err != nil {
		return nil, errno(err)
	}
	return n.child(ctx, at, out), 0
}

// Getattr is stat.
func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	show(n.disk.Attributes(n.at), &out.Attr)
	return 0
}

// Setattr truncates, and sets permissions. Times and owners stay as they are.
func (n *node) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		if e := n.strike(Truncate, ""); e != 0 {
			return e
		}
		if err := n.disk.Truncate(n.at, int64(size)); err != nil {
			return errno(err)
		}
	}
	if mode, ok := in.GetMode(); ok {
		if err := n.disk.Mode(n.at, mode); err != nil {
			return errno(err)
		}
	}
	show(n.disk.Attributes(n.at), &out.Attr)
	return 0
}

// Readdir lists the directory.
func (n *node) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	var list []fuse.DirEntry
	for _, name := range n.disk.List(n.at) {
		if at, err := n.disk.Lookup(n.at, name); err == nil {
			a := n.disk.Attributes(at)
			list = append(list, fuse.DirEntry{Name: name, Mode: a.Mode, Ino: a.Inode})
		}
	}
	return fs.NewListDirStream(list), 0
}

// Create makes a file and opens it.
func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if e := n.strike(Create, name); e != 0 {
		return nil, nil, 0, e
	}
	at, err := n.disk.Make(n.at, name, syscall.S_IFREG|mode&0o7777)
	if err != nil {
		return nil, nil, 0, errno(err)
	}
	return n.child(ctx, at, out), newHandle(flags), 0, 0
}

// Mkdir makes a directory.
func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	at, err := n.disk.Make(n.at, name, syscall.S_IFDIR|mode&0o7777)
	if err != nil {
		return nil, errno(err)
	}
	return n.child(ctx, at, out), 0
}

// Mknod makes a file of another type: a socket's name is one.
func (n *node) Mknod(ctx context.Context, name string, mode, _ uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	at, err := n.disk.Make(n.at, name, mode)
	if err != nil {
		return nil, errno(err)
	}
	return n.child(ctx, at, out), 0
}

// Unlink removes a file.
func (n *node) Unlink(_ context.Context, name string) syscall.Errno {
	if e := n.strike(Unlink, name); e != 0 {
		return e
	}
	return errno(n.disk.Remove(n.at, name))
}

// Rmdir removes a directory.
func (n *node) Rmdir(_ context.Context, name string) syscall.Errno {
	return errno(n.disk.Remove(n.at, name))
}

// Rename moves a name, or swaps two.
func (n *node) Rename(_ context.Context, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	if e := n.strike(Rename, name); e != 0 {
		return e
	}
	dir := to.EmbeddedInode().Operations().(*node).at
	switch {
	case flags&unix.RENAME_EXCHANGE != 0:
		return errno(n.disk.Exchange(n.at, name, dir, newName))
	case flags&unix.RENAME_NOREPLACE != 0:
		if _, err := n.disk.Lookup(dir, newName); err == nil {
			return syscall.EEXIST
		}
	}
	return errno(n.disk.Rename(n.at, name, dir, newName))
}

// Open opens a file.
func (n *node) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return newHandle(flags), 0, 0
}

// Read reads from the file.
func (n *node) Read(_ context.Context, _ fs.FileHandle, b []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	return fuse.ReadResultData(b[:n.disk.Read(n.at, b, at)]), 0
}

// Write writes to the file.
func (n *node) Write(_ context.Context, f fs.FileHandle, b []byte, at int64) (uint32, syscall.Errno) {
	if e := n.strike(Write, ""); e != 0 {
		return 0, e
	}
	if err := n.disk.Write(n.at, b, at); err != nil {
		return 0, errno(err)
	}
	if h, ok := f.(handle); ok && h.sync {
		if e := n.strike(Sync, ""); e != 0 {
			return 0, e
		}
		if err := n.disk.Sync(n.at); err != nil {
			return 0, errno(err)
		}
	}
	return uint32(len(b)), 0
}

// Fsync makes a file or a directory durable.
func (n *node) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	if e := n.strike(Sync, ""); e != 0 {
		return e
	}
	return errno(n.disk.Sync(n.at))
}

// Sizes that statfs reports: enough that nobody thinks the disk full.
const (
	blockBytes = 4096
	blocks     = 16 << 30 / blockBytes
)

// Statfs shows an empty disk of 16 GiB.
func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	out.Bsize, out.Frsize, out.NameLen = blockBytes, blockBytes, 255
	out.Blocks, out.Bfree, out.Bavail = blocks, blocks, blocks
	out.Files, out.Ffree = blocks, blocks
	return 0
}
