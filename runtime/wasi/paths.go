package wasi

import (
	"context"
	"encoding/binary"

	"github.com/pagesrun/pagesrun/hostfuncs/guestmem"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// fileUnits is what a look at a path of the host charges beside its length.
const fileUnits = 5_000

// exportPaths makes the functions on directories, and those on sockets, importable. There are no sockets: every descriptor is a bad one to them.
func exportPaths(b wazero.HostModuleBuilder) {
	for _, e := range []export{
		{"fd_prestat_get", prestatGet, nil, []api.ValueType{i32, i32}},
		{"fd_prestat_dir_name", prestatDirName, nil, []api.ValueType{i32, i32, i32}},
		{"fd_readdir", fdReaddir, mounted, []api.ValueType{i32, i32, i32, i64, i32}},
		{"path_open", pathOpen, mounted, []api.ValueType{i32, i32, i32, i32, i32, i64, i64, i32, i32}},
		{"path_filestat_get", pathFilestatGet, mounted, []api.ValueType{i32, i32, i32, i32, i32}},
		{"path_readlink", pathReadlink, mounted, []api.ValueType{i32, i32, i32, i32, i32, i32}},
		{"path_create_directory", changesPath(0), nil, []api.ValueType{i32, i32, i32}},
		{"path_filestat_set_times", changesPath(0), nil, []api.ValueType{i32, i32, i32, i32, i64, i64, i32}},
		{"path_link", changesPath(0), nil, []api.ValueType{i32, i32, i32, i32, i32, i32, i32}},
		{"path_remove_directory", changesPath(0), nil, []api.ValueType{i32, i32, i32}},
		{"path_rename", changesPath(0), nil, []api.ValueType{i32, i32, i32, i32, i32, i32}},
		{"path_symlink", changesPath(2), nil, []api.ValueType{i32, i32, i32, i32, i32}},
		{"path_unlink_file", changesPath(0), nil, []api.ValueType{i32, i32, i32}},
	} {
		e.add(b)
	}
	for name, params := range map[string][]api.ValueType{
		"sock_accept":   {i32, i32, i32},
		"sock_recv":     {i32, i32, i32, i32, i32, i32},
		"sock_send":     {i32, i32, i32, i32, i32},
		"sock_shutdown": {i32, i32},
	} {
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(noSocket), params, []api.ValueType{i32}).Export(name)
	}
}

func noSocket(ctx context.Context, _ api.Module, stack []uint64) {
	processOf(ctx)
	stack[0] = badf
}

// changesPath makes a function that would change what lies at a path of the directory in parameter fd.
func changesPath(fd int) function {
	return func(p Process, _ api.Memory, st []uint64) uint32 {
		if _, errno := p.Files().directory(uint32(st[fd])); errno != success {
			return errno
		}
		return readOnly
	}
}

// directory gives a descriptor that paths can start from.
func (f *Files) directory(fd uint32) (*descriptor, uint32) {
	switch d := f.at(fd); {
	case d == nil && fd > stdioMax:
		return nil, badf
	case d == nil || d.kind != kindDirectory:
		return nil, notDir
	default:
		return d, success
	}
}

func prestatGet(p Process, mem api.Memory, st []uint64) uint32 {
	d := p.Files().at(uint32(st[0]))
	if d == nil || !d.preopen {
		return badf
	}
	var b [8]byte
	binary.LittleEndian.PutUint32(b[4:], uint32(len(d.tree.guest)))
	if !guestmem.Write(mem, uint32(st[1]), b[:]) {
		return fault
	}
	return success
}

func prestatDirName(p Process, mem api.Memory, st []uint64) uint32 {
	d := p.Files().at(uint32(st[0]))
	switch {
	case d == nil || !d.preopen:
		return badf
	case uint64(uint32(st[2])) < uint64(len(d.tree.guest)):
		return nameTooLong
	case !guestmem.Write(mem, uint32(st[1]), []byte(d.tree.guest)):
		return fault
	}
	return success
}

// path reads a path of the guest and joins it to the one of the directory it starts from. What leads where is left to the tree: links and ".."
// cannot be taken out of a path without looking.
func (d *descriptor) joined(p Process, mem api.Memory, ptr, n uint32) (string, uint32) {
	p.Charge(fileUnits)
	if n > PathBytesMax {
		return "", nameTooLong
	}
	view, ok := guestmem.View(mem, ptr, n)
	if !ok {
		return "", fault
	}
	p.Charge(len(view))
	name := string(view)
	switch {
	case name == "":
		return "", noEnt
	case !validPath(name):
		return "", ilseq
	case name[0] == '/':
		return "", notCapable
	case d.path == ".":
		return name, success
	case len(d.path)+1+len(name) > PathBytesMax:
		return "", nameTooLong
	}
	return d.path + "/" + name, success
}

// Flags of lookups and of path_open.
const (
	followLink    = 1
	openCreate    = 1
	openDirectory = 2
	openExclusive = 4
	openTruncate  = 8
	rightWrite    = 1 << 6
)

func pathOpen(p Process, mem api.Memory, st []uint64) uint32 {
	files := p.Files()
	dir, errno := files.directory(uint32(st[0]))
	if errno != success {
		return errno
	}
	name, errno := dir.joined(p, mem, uint32(st[2]), uint32(st[3]))
	if errno != success {
		return errno
	}
	if files.opened >= files.limit {
		return mfile
	}
	flags := uint32(st[4])
	d, errno := dir.tree.openPath(name, uint32(st[1])&followLink != 0)
	if errno = opening(d, errno, flags, st[5]); errno == success && !guestmem.WriteUint32(mem, uint32(st[8]), 0) {
		errno = fault
	}
	if errno != success {
		if d.host != nil {
			d.host.Close()
		}
		return errno
	}
	guestmem.WriteUint32(mem, uint32(st[8]), files.add(d))
	return success
}

// opening says whether a file may be opened in the way the guest asks for, given what a look at it has come to.
func opening(d descriptor, errno, flags uint32, rights uint64) uint32 {
	changes := flags&openTruncate != 0 || rights&rightWrite != 0
	switch {
	case errno == noEnt && flags&openCreate != 0:
		return readOnly
	case errno != success:
		return errno
	case flags&openCreate != 0 && flags&openExclusive != 0:
		return exist
	case flags&openDirectory != 0 && d.kind != kindDirectory:
		return notDir
	case changes && d.kind == kindDirectory:
		return isDir
	case changes:
		return readOnly
	}
	return success
}

func pathFilestatGet(p Process, mem api.Memory, st []uint64) uint32 {
	dir, errno := p.Files().directory(uint32(st[0]))
	if errno != success {
		return errno
	}
	name, errno := dir.joined(p, mem, uint32(st[2]), uint32(st[3]))
	if errno != success {
		return errno
	}
	s, errno := dir.tree.stat(name, uint32(st[1])&followLink != 0)
	if errno != success {
		return errno
	}
	return writeStat(mem, uint32(st[4]), s)
}

func pathReadlink(p Process, mem api.Memory, st []uint64) uint32 {
	dir, errno := p.Files().directory(uint32(st[0]))
	if errno != success {
		return errno
	}
	name, errno := dir.joined(p, mem, uint32(st[1]), uint32(st[2]))
	if errno != success {
		return errno
	}
	at, errno := dir.tree.find(name)
	switch {
	case errno != success:
		return errno
	case at.kind != 0 || dir.tree.root == nil:
		return inval
	}
	target, err := at.root.Readlink(at.path)
	if err != nil {
		return errnoOf(err)
	}
	target = target[:min(uint64(len(target)), uint64(uint32(st[4])))]
	if !guestmem.Write(mem, uint32(st[3]), []byte(target)) || !guestmem.WriteUint32(mem, uint32(st[5]), uint32(len(target))) {
		return fault
	}
	return success
}

// direntBytes is the size of a directory's entry without its name.
const direntBytes = 24

// fdReaddir lists a directory from a cookie on: the number of entries before it. A listing that begins reads the directory, one that goes on shows what
// was there then.
func fdReaddir(p Process, mem api.Memory, st []uint64) uint32 {
	d, errno := p.Files().directory(uint32(st[0]))
	if errno != success {
		return errno
	}
	cookie := st[3]
	if cookie == 0 || d.entries == nil {
		p.Charge(fileUnits)
		entries, errno := d.tree.list(d.path)
		if errno != success {
			return errno
		}
		p.Charge(len(entries) * callUnits)
		p.Files().touched = true
		d.entries = entries
	}
	out, ok := guestmem.View(mem, uint32(st[1]), uint32(st[2]))
	if !ok {
		return fault
	}
	used := listing(d.entries, cookie, out)
	p.Charge(used)
	if !guestmem.WriteUint32(mem, uint32(st[4]), uint32(used)) {
		return fault
	}
	return success
}

// listing fills out with entries from a cookie on, the last of them cut where out ends.
func listing(entries []dirEntry, cookie uint64, out []byte) (used int) {
	for i := cookie; i < uint64(len(entries)) && used < len(out); i++ {
		e := &entries[i]
		var head [direntBytes]byte
		binary.LittleEndian.PutUint64(head[:], i+1)
		binary.LittleEndian.PutUint64(head[8:], e.ino)
		binary.LittleEndian.PutUint32(head[16:], uint32(len(e.name)))
		head[20] = e.kind.fileType()
		used += copy(out[used:], head[:])
		used += copy(out[used:], e.name)
	}
	return used
}
