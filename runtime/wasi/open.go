package wasi

import (
	"io/fs"
	"os"
	"slices"
	"syscall"
	"unicode/utf8"
)

const (
	// PathBytesMax is the longest path a guest may name.
	PathBytesMax = 4096
	// DirectoryEntriesMax is the most entries a directory may have for a guest to list it.
	DirectoryEntriesMax = 16_384
	// OpenFilesMax is how many files an instance may have open where nothing else is said.
	OpenFilesMax = 256
	// firstFile is the first descriptor that is no standard stream.
	firstFile = stdioMax + 1
)

// kind is what a descriptor or a path stands for; the numbers are those of WASI's file types, but for the environment.
type kind uint8

const (
	kindCharacterDevice kind = 2
	kindDirectory       kind = 3
	kindFile            kind = 4
	kindLink            kind = 7
	// kindEnviron looks like a regular file.
	kindEnviron kind = 255
)

// fileType is WASI's number.
func (k kind) fileType() byte {
	if k == kindEnviron {
		return byte(kindFile)
	}
	return byte(k)
}

func kindOf(mode fs.FileMode) kind {
	switch {
	case mode.IsDir():
		return kindDirectory
	case mode.IsRegular():
		return kindFile
	case mode&fs.ModeSymlink != 0:
		return kindLink
	}
	return 0
}

// descriptor is an open file or directory. Its zero value is a free one.
type descriptor struct {
	kind    kind
	tree    *tree
	path    string
	host    *os.File // of a regular file
	kept    bool     // belongs to the image
	preopen bool
	pos     int64
	entries []dirEntry // of a directory, from the beginning of a listing on
}

// dirEntry is one name of a directory.
type dirEntry struct {
	name string
	kind kind
	ino  uint64
}

// Files are the open files of one instance. Like a guest's memory they can be put back to how they were when an image was taken.
type Files struct {
	limit   int
	open    []descriptor // from firstFile on
	opened  int          // without the mounts
	touched bool
	image   *FilesImage
}

// FilesImage is what was open when an image was taken, and where in the files the guest was.
type FilesImage struct {
	open   []descriptor
	opened int
}

// NewFiles gives an instance the mounts, and at most limit files open at once beside them. Where nothing is mounted the result is nil, which is as good
// as a table of no files.
func NewFiles(m *Mounts, limit int) *Files {
	if m == nil || len(m.trees) == 0 {
		return nil
	}
	f := &Files{limit: limit}
	for _, t := range m.trees {
		f.open = append(f.open, descriptor{kind: kindDirectory, tree: t, path: ".", preopen: true})
	}
	f.image = &FilesImage{open: slices.Clone(f.open)}
	return f
}

// Keep makes what is open now part of an image, to which Reset comes back. Whoever has the image closes it, after every instance that uses it.
func (f *Files) Keep() *FilesImage {
	if f == nil {
		return nil
	}
	for i := range f.open {
		f.open[i].kept = true
	}
	f.image = &FilesImage{open: slices.Clone(f.open), opened: f.opened}
	f.touched = false
	return f.image
}

// Attach gives an instance what is open in an image.
func (f *Files) Attach(img *FilesImage) {
	f.image, f.touched = img, true
	f.Reset()
}

// Reset closes what was opened since the image and reopens what was closed.
func (f *Files) Reset() {
	if f == nil || !f.touched {
		return
	}
	f.closeOwn()
	f.open = append(f.open[:0], f.image.open...)
	f.opened, f.touched = f.image.opened, false
}

// Close closes what does not belong to the image.
func (f *Files) Close() {
	if f == nil {
		return
	}
	f.closeOwn()
	f.open = nil
}

func (f *Files) closeOwn() {
	for i := range f.open {
		if d := &f.open[i]; d.host != nil && !d.kept {
			d.host.Close()
		}
	}
	clear(f.open)
}

// Close closes the image's files.
func (i *FilesImage) Close() {
	if i == nil {
		return
	}
	for _, d := range i.open {
		if d.host != nil {
			d.host.Close()
		}
	}
}

// at gives an open descriptor beyond the standard streams, or nil.
func (f *Files) at(fd uint32) *descriptor {
	if f == nil || fd < firstFile || uint64(fd)-firstFile >= uint64(len(f.open)) {
		return nil
	}
	if d := &f.open[fd-firstFile]; d.kind != 0 {
		return d
	}
	return nil
}

// add opens a descriptor at the lowest free number.
func (f *Files) add(d descriptor) (fd uint32) {
	f.touched = true
	f.opened++
	for i := range f.open {
		if f.open[i].kind == 0 {
			f.open[i] = d
			return uint32(i + firstFile)
		}
	}
	f.open = append(f.open, d)
	return uint32(len(f.open) - 1 + firstFile)
}

func (f *Files) close(d *descriptor) {
	f.touched = true
	if !d.preopen {
		f.opened--
	}
	if d.host != nil && !d.kept {
		d.host.Close()
	}
	*d = descriptor{}
}

// openPath opens a path of a tree for reading.
func (t *tree) openPath(p string, follow bool) (descriptor, uint32) {
	at, errno := t.find(p)
	if errno != success {
		return descriptor{}, errno
	}
	d := descriptor{kind: at.kind, tree: t, path: p}
	if at.kind != 0 {
		return d, success
	}
	look := at.root.Lstat
	if follow {
		look = at.root.Stat
	}
	info, err := look(at.path)
	if err != nil {
		return d, errnoOf(err)
	}
	switch d.kind = kindOf(info.Mode()); d.kind {
	case kindDirectory:
		return d, success
	case kindLink:
		return d, loop
	case kindFile:
		d.host, errno = openRegular(at)
		return d, errno
	}
	return d, acces // a device, pipe or socket
}

// openRegular opens a file that was a regular one a moment ago. It does not wait for a writer should that have become a pipe.
func openRegular(at place) (*os.File, uint32) {
	f, err := at.root.OpenFile(at.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, errnoOf(err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, acces
	}
	return f, success
}

// validPath says whether a guest may use p as a path at all.
func validPath(p string) bool {
	for i := range len(p) {
		if p[i] == 0 {
			return false
		}
	}
	return utf8.ValidString(p)
}
