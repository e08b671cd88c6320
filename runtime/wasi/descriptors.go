package wasi

import (
	"encoding/binary"
	"io"
	"strings"

	"github.com/pagesrun/pagesrun/hostfuncs/guestmem"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// exportDescriptors makes the functions on descriptors importable. The standard streams keep no state here, so that a guest which closes or
// renumbers one changes nothing for the next event.
func exportDescriptors(b wazero.HostModuleBuilder) {
	for _, e := range []export{
		{"fd_read", fdRead, reads, []api.ValueType{i32, i32, i32, i32}},
		{"fd_pread", fdPread, reads, []api.ValueType{i32, i32, i32, i64, i32}},
		{"fd_write", fdWrite, writes, []api.ValueType{i32, i32, i32, i32}},
		{"fd_pwrite", onFile(readOnly), nil, []api.ValueType{i32, i32, i32, i64, i32}},
		{"fd_close", fdClose, nil, []api.ValueType{i32}},
		{"fd_fdstat_get", fdstatGet, nil, []api.ValueType{i32, i32}},
		{"fd_fdstat_set_flags", nothing, nil, []api.ValueType{i32, i32}},
		{"fd_fdstat_set_rights", nothing, nil, []api.ValueType{i32, i64, i64}},
		{"fd_filestat_get", filestatGet, mounted, []api.ValueType{i32, i32}},
		{"fd_seek", fdSeek, mounted, []api.ValueType{i32, i64, i32, i32}},
		{"fd_tell", fdTell, nil, []api.ValueType{i32, i32}},
		{"fd_renumber", fdRenumber, nil, []api.ValueType{i32, i32}},
		{"fd_advise", onFile(success), nil, []api.ValueType{i32, i64, i64, i32}},
		{"fd_allocate", onFile(readOnly), nil, []api.ValueType{i32, i64, i64}},
		{"fd_datasync", nothing, nil, []api.ValueType{i32}},
		{"fd_sync", nothing, nil, []api.ValueType{i32}},
		{"fd_filestat_set_size", onFile(readOnly), nil, []api.ValueType{i32, i64}},
		{"fd_filestat_set_times", onFile(readOnly), nil, []api.ValueType{i32, i64, i64, i32}},
	} {
		e.add(b)
	}
}

// readOnly is what everything that would change a mounted file comes to.
const readOnly = roFS

// onFile makes a function that comes to errno on a mounted file or directory, and is not for streams.
func onFile(errno uint32) function {
	return func(p Process, _ api.Memory, st []uint64) uint32 {
		switch fd := uint32(st[0]); {
		case fd <= stdioMax:
			return spipe
		case p.Files().at(fd) == nil:
			return badf
		}
		return errno
	}
}

// nothing is for functions without an effect on what is read-only or a stream.
func nothing(p Process, _ api.Memory, st []uint64) uint32 {
	if fd := uint32(st[0]); fd > stdioMax && p.Files().at(fd) == nil {
		return badf
	}
	return success
}

func fdClose(p Process, _ api.Memory, st []uint64) uint32 {
	fd := uint32(st[0])
	if fd <= stdioMax {
		return success
	}
	d := p.Files().at(fd)
	if d == nil {
		return badf
	}
	p.Files().close(d)
	return success
}

// fdRenumber moves a file to the number of another one.
func fdRenumber(p Process, _ api.Memory, st []uint64) uint32 {
	if uint32(st[0]) <= stdioMax || uint32(st[1]) <= stdioMax {
		return notSup
	}
	from, to := p.Files().at(uint32(st[0])), p.Files().at(uint32(st[1]))
	switch {
	case from == nil || to == nil:
		return badf
	case from == to:
		return success
	case from.preopen || to.preopen:
		return notSup
	}
	moved := *from
	p.Files().close(to)
	*to, *from = moved, descriptor{}
	return success
}

// The rights that descriptors have (WASI preview 1, "rights").
const (
	rightsRead      = 1<<1 | 1<<3 | 1<<21 | 1<<27
	rightsWrite     = 1<<6 | 1<<3 | 1<<21 | 1<<27
	rightsFile      = rightsRead | 1<<2 | 1<<5 | 1<<7
	rightsDirectory = 1<<3 | 1<<13 | 1<<14 | 1<<15 | 1<<18 | 1<<21
	// rightsInherited are all there are: libraries would quietly drop the wish to write otherwise, instead of hearing that the mount is read-only.
	rightsInherited = 1<<30 - 1
)

func fdstatGet(p Process, mem api.Memory, st []uint64) uint32 {
	var b [24]byte
	fd := uint32(st[0])
	b[0] = byte(kindCharacterDevice)
	rights, inherited := uint64(rightsWrite), uint64(0)
	if fd == 0 {
		rights = rightsRead
	}
	if fd > stdioMax {
		d := p.Files().at(fd)
		if d == nil {
			return badf
		}
		b[0], rights = d.kind.fileType(), rightsFile
		if d.kind == kindDirectory {
			rights, inherited = rightsDirectory, rightsInherited
		}
	}
	binary.LittleEndian.PutUint64(b[8:], rights)
	binary.LittleEndian.PutUint64(b[16:], inherited)
	if !guestmem.Write(mem, uint32(st[1]), b[:]) {
		return fault
	}
	return success
}

func filestatGet(p Process, mem api.Memory, st []uint64) uint32 {
	fd := uint32(st[0])
	if fd <= stdioMax {
		return writeStat(mem, uint32(st[1]), stat{kind: kindCharacterDevice})
	}
	d := p.Files().at(fd)
	if d == nil {
		return badf
	}
	if d.host == nil {
		p.Charge(fileUnits)
		s, errno := d.tree.stat(d.path, true)
		if errno != success {
			return errno
		}
		return writeStat(mem, uint32(st[1]), s)
	}
	info, err := d.host.Stat()
	if err != nil {
		return errnoOf(err)
	}
	return writeStat(mem, uint32(st[1]), d.tree.statOf(d.path, info))
}

func writeStat(mem api.Memory, ptr uint32, s stat) uint32 {
	var b [64]byte
	put := func(at int, v uint64) { binary.LittleEndian.PutUint64(b[at:], v) }
	if s.ino != 0 {
		put(0, 1)
		put(24, 1)
	}
	put(8, s.ino)
	b[16] = s.kind.fileType()
	put(32, uint64(s.size))
	for _, at := range []int{40, 48, 56} {
		put(at, uint64(s.mtime))
	}
	if !guestmem.Write(mem, ptr, b[:]) {
		return fault
	}
	return success
}

// Where fd_seek counts from.
const (
	fromStart   = 0
	fromCurrent = 1
	fromEnd     = 2
)

func fdSeek(p Process, mem api.Memory, st []uint64) uint32 {
	d, errno := p.Files().file(uint32(st[0]))
	if errno != success {
		return errno
	}
	offset := int64(st[1])
	switch uint32(st[2]) {
	case fromStart:
	case fromCurrent:
		offset += d.pos
	case fromEnd:
		if d.host == nil {
			return inval
		}
		info, err := d.host.Stat()
		if err != nil {
			return errnoOf(err)
		}
		offset += info.Size()
	default:
		return inval
	}
	if offset < 0 {
		return inval
	}
	if !guestmem.WriteUint64(mem, uint32(st[3]), uint64(offset)) {
		return fault
	}
	p.Files().touched = true
	d.pos = offset
	return success
}

func fdTell(p Process, mem api.Memory, st []uint64) uint32 {
	d, errno := p.Files().file(uint32(st[0]))
	if errno != success {
		return errno
	}
	if !guestmem.WriteUint64(mem, uint32(st[1]), uint64(d.pos)) {
		return fault
	}
	return success
}

// file gives a descriptor that has a place to read from.
func (f *Files) file(fd uint32) (*descriptor, uint32) {
	if fd <= stdioMax {
		return nil, spipe
	}
	switch d := f.at(fd); {
	case d == nil:
		return nil, badf
	case d.kind == kindDirectory:
		return nil, isDir
	default:
		return d, success
	}
}

func fdRead(p Process, mem api.Memory, st []uint64) uint32 {
	switch fd := uint32(st[0]); {
	case fd == 0:
		return readStdin(p, mem, st)
	case fd <= stdioMax:
		return badf
	}
	d, errno := p.Files().file(uint32(st[0]))
	if errno != success {
		return errno
	}
	n, errno := d.read(p, mem, uint32(st[1]), uint32(st[2]), d.pos)
	if n > 0 {
		p.Files().touched = true
		d.pos += int64(n)
	}
	return finishIO(mem, uint32(st[3]), n, errno)
}

func fdPread(p Process, mem api.Memory, st []uint64) uint32 {
	d, errno := p.Files().file(uint32(st[0]))
	switch {
	case errno != success:
		return errno
	case int64(st[3]) < 0:
		return inval
	}
	n, errno := d.read(p, mem, uint32(st[1]), uint32(st[2]), int64(st[3]))
	return finishIO(mem, uint32(st[4]), n, errno)
}

// read fills the guest's buffers from a place in the file.
func (d *descriptor) read(p Process, mem api.Memory, list, n uint32, at int64) (total int, errno uint32) {
	var src io.ReaderAt = d.host
	if d.kind == kindEnviron {
		src = environ(p)
	}
	failed := uint32(success)
	errno = readIovecs(p, mem, list, n, func(buf []byte) bool {
		for len(buf) > 0 {
			part := buf[:min(len(buf), chunkBytes)]
			got, err := src.ReadAt(part, at+int64(total))
			p.Charge(got)
			total += got
			buf = buf[got:]
			if err != nil {
				if err != io.EOF {
					failed = errnoOf(err)
				}
				return false
			}
		}
		return true
	})
	if errno == success && total == 0 {
		errno = failed
	}
	return total, errno
}

// environ is the content of [EnvironPath].
func environ(p Process) *strings.Reader {
	all := strings.Join(append(p.Environ(), ""), "\x00")
	p.Charge(len(all))
	return strings.NewReader(all)
}

// readIovecs calls do for each of n buffers at ptr until it says stop.
func readIovecs(p Process, mem api.Memory, ptr, n uint32, do func(buf []byte) (more bool)) uint32 {
	if n > IovecsMax {
		return inval
	}
	p.Charge(int(n))
	list, ok := guestmem.Uint32s(mem, ptr, n*2, make([]uint32, 0, 16))
	if !ok {
		return fault
	}
	for i := 0; i < len(list); i += 2 {
		buf, ok := guestmem.View(mem, list[i], list[i+1])
		if !ok {
			return fault
		}
		if len(buf) > 0 && !do(buf) {
			break
		}
	}
	return success
}

func readStdin(p Process, mem api.Memory, st []uint64) uint32 {
	total, failed := 0, uint32(success)
	errno := readIovecs(p, mem, uint32(st[1]), uint32(st[2]), func(buf []byte) bool {
		n, err := p.ReadStdin(buf[:min(len(buf), chunkBytes)])
		total += n
		p.Charge(n)
		if err != nil && err != io.EOF {
			failed = ioError
		}
		return false
	})
	return finishIO(mem, uint32(st[3]), total, max(errno, failed))
}

func fdWrite(p Process, mem api.Memory, st []uint64) uint32 {
	fd := uint32(st[0])
	if fd == 0 || (fd > stdioMax && p.Files().at(fd) == nil) {
		return badf
	}
	if fd > stdioMax {
		return readOnly
	}
	total, failed := 0, uint32(success)
	errno := readIovecs(p, mem, uint32(st[1]), uint32(st[2]), func(buf []byte) bool {
		for len(buf) > 0 && failed == success {
			part := buf[:min(len(buf), chunkBytes)]
			buf = buf[len(part):]
			p.Charge(len(part))
			if p.WriteOutput(fd, part) != nil {
				failed = ioError
			}
			total += len(part)
		}
		return failed == success
	})
	return finishIO(mem, uint32(st[3]), total, max(errno, failed))
}

func finishIO(mem api.Memory, result uint32, total int, errno uint32) uint32 {
	switch {
	case errno != success:
		return errno
	case !guestmem.WriteUint32(mem, result, uint32(total)):
		return fault
	}
	return success
}
