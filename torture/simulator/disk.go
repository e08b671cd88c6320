package simulator

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// vfsName is the virtual file system that pagesrun's databases are opened with.
const vfsName = "pagesrun"

// disks are the disks of all worlds: a virtual file system in front of pagesrun's own, which stays in use below it.
type disks struct {
	vfs.VFSFilename
	worlds sync.Map // directory → *disk
}

// install puts disks in front of the file system that databases are opened with from now on. It must be there already: a database must have been opened before.
// The whole process has it, for good; what belongs to no world is not touched.
var install = sync.OnceValues(func() (*disks, error) {
	below, ok := vfs.Find(vfsName).(vfs.VFSFilename)
	if !ok {
		return nil, fmt.Errorf("there is no virtual file system %q to put faults into", vfsName)
	}
	d := &disks{VFSFilename: below}
	vfs.Register(vfsName, d)
	return d, nil
})

// of gives the disk on which a path is; nil for none.
func (d *disks) of(path string) *disk {
	for dir := filepath.Dir(path); len(dir) > 1; dir = filepath.Dir(dir) {
		if found, ok := d.worlds.Load(dir); ok {
			return found.(*disk)
		}
	}
	return nil
}

// OpenFilename opens a file of a database.
func (d *disks) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	path := name.String()
	of := d.of(path)
	if of == nil {
		return d.VFSFilename.OpenFilename(name, flags)
	}
	if err := of.may("open"); err != nil {
		return nil, flags, err
	}
	f, flags, err := d.VFSFilename.OpenFilename(name, flags)
	if err != nil {
		return nil, flags, err
	}
	return &file{below: f.(below), disk: of, path: path}, flags, nil
}

// Delete deletes a file of a database.
func (d *disks) Delete(path string, syncDir bool) error {
	of := d.of(path)
	if of == nil {
		return d.VFSFilename.Delete(path, syncDir)
	}
	if err := of.may("delete"); err != nil {
		return err
	}
	of.mu.Lock()
	delete(of.unsynced, path)
	of.mu.Unlock()
	return d.VFSFilename.Delete(path, false)
}

// disk is the disk of one world. It can fail, and it can lose power, after which it has what was synced and perhaps more.
type disk struct {
	dir string

	mu       sync.Mutex
	fault    *fault
	off      bool
	unsynced map[string][]change // of each file, in order
	// forgetful disks say of what was not synced that it was. They are for controls.
	forgetful bool
}

// fault is what is wrong with a disk.
type fault struct {
	// kind is the call that fails: read, write, sync, truncate, open, delete, or any.
	kind string
	// after is how many of these succeed before, lasts how many fail then.
	after, lasts int
	// cause is the error they get; errPower for all that comes after.
	cause error
	// hit is how often it has failed.
	hit int
}

// errPower is the cause of a fault after which the disk has no power.
var errPower = errors.New("the power is off")

// change is a change that was not synced yet.
type change struct {
	offset           int64
	was, is          []byte
	sizeWas, sizeNow int64
}

func newDisk(dir string) *disk { return &disk{dir: dir, unsynced: map[string][]change{}} }

// arm lets a fault happen from now on.
func (d *disk) arm(f *fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = f
}

// heal ends the fault and says how often it has struck.
func (d *disk) heal() (hit int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fault != nil {
		hit, d.fault = d.fault.hit, nil
	}
	return hit
}

// may says whether a call goes through.
func (d *disk) may(kind string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.try(kind)
}

// try is may for who holds the lock.
func (d *disk) try(kind string) error {
	if d.off {
		return failure(kind, errPower)
	}
	f := d.fault
	if f == nil || f.kind != kind && f.kind != "any" {
		return nil
	}
	if f.after--; f.after >= 0 || f.after < -f.lasts {
		return nil
	}
	f.hit++
	d.off = f.cause == errPower
	return failure(kind, f.cause)
}

// failure is the error that SQLite gets. No memory is an error of the disk too, where it is found while reading or writing.
func failure(kind string, cause error) error {
	err := &os.PathError{Op: kind, Path: "simulated", Err: cause}
	switch cause {
	case syscall.ENOSPC:
		return vfs.SystemError(err, sqlite3.FULL)
	case syscall.ENOMEM:
		return vfs.SystemError(err, sqlite3.NOMEM)
	}
	return err
}

// cut takes the power away.
func (d *disk) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
}

// restore gives the power back, when no file is open any more: what was not synced is gone, except for what keep accepts, sector by sector.
func (d *disk) restore(keep func() bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off, d.fault = false, nil
	for path, changes := range d.unsynced {
		if err := lose(path, changes, keep); err != nil {
			return err
		}
	}
	clear(d.unsynced)
	return d.dropIndexes()
}

// reboot gives the power back and loses nothing: only the process was gone.
func (d *disk) reboot() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off, d.fault = false, nil
	return d.dropIndexes()
}

// dropIndexes removes the shared memory of write-ahead logs, which only living processes have.
func (d *disk) dropIndexes() error {
	return filepath.WalkDir(d.dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "-shm") {
			err = os.Remove(path)
		}
		return err
	})
}

// sector is how many bytes of a write are there or are not.
const sector = 512

// lose undoes changes of a file, and does some again.
func lose(path string, changes []change, keep func() bool) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	var errs []error
	write := func(b []byte, at int64) {
		_, err := f.WriteAt(b, at)
		errs = append(errs, err)
	}
	for i := len(changes) - 1; i >= 0; i-- {
		write(changes[i].was, changes[i].offset)
		errs = append(errs, f.Truncate(changes[i].sizeWas))
	}
	for _, c := range changes {
		if c.is == nil && keep() {
			errs = append(errs, f.Truncate(c.sizeNow))
		}
		for at := 0; at < len(c.is); at += sector {
			if keep() {
				write(c.is[at:min(at+sector, len(c.is))], c.offset+int64(at))
			}
		}
	}
	return errors.Join(append(errs, f.Close())...)
}

// file is an open file of a disk.
type file struct {
	below
	disk *disk
	path string
}

// below is what pagesrun's own files can do; all of it is passed on, unless file does it itself.
type below interface {
	vfs.FileSharedMemory
	vfs.FileSizeHint
	vfs.FilePersistWAL
	vfs.FilePowersafeOverwrite
	vfs.FileHasMoved
	vfs.FileLockState
	vfs.FileUnwrap
}

// ReadAt reads, or fails.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if err := f.disk.may("read"); err != nil {
		return 0, err
	}
	return f.below.ReadAt(p, off)
}

// WriteAt writes, or fails.
func (f *file) WriteAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.try("write"); err != nil {
		return 0, err
	}
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	was := make([]byte, max(0, min(int64(len(p)), size-off)))
	if _, err := f.below.ReadAt(was, off); err != nil && err != io.EOF {
		return 0, err
	}
	f.note(change{offset: off, was: was, is: append([]byte{}, p...), sizeWas: size, sizeNow: max(size, off+int64(len(p)))})
	return f.below.WriteAt(p, off)
}

// Truncate changes the size, or fails.
func (f *file) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.try("truncate"); err != nil {
		return err
	}
	before, err := f.Size()
	if err != nil {
		return err
	}
	was := make([]byte, max(0, before-size))
	if _, err := f.below.ReadAt(was, size); err != nil && err != io.EOF {
		return err
	}
	f.note(change{offset: size, was: was, sizeWas: before, sizeNow: size})
	return f.below.Truncate(size)
}

// Sync makes the file's changes durable, or fails. The file below is not synced: this disk decides what is durable.
func (f *file) Sync(vfs.SyncFlag) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.try("sync"); err != nil {
		return err
	}
	if !f.disk.forgetful {
		delete(f.disk.unsynced, f.path)
	}
	return nil
}

func (f *file) note(c change) { f.disk.unsynced[f.path] = append(f.disk.unsynced[f.path], c) }

// worldDirectory makes a directory for worlds: in memory where the system has such a place, because each world has files of its own.
func worldDirectory(otherwise string) (string, error) {
	for _, parent := range []string{"/dev/shm", otherwise} {
		if dir, err := os.MkdirTemp(parent, "worlds-"); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("there is no place for worlds in /dev/shm or %s", otherwise)
}

// add makes a disk of a directory until the function it gives is called.
func (d *disks) add(dir string) (*disk, func()) {
	made := newDisk(dir)
	d.worlds.Store(dir, made)
	return made, func() { d.worlds.Delete(dir) }
}
