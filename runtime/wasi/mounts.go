package wasi

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Mount is a directory or a file of the host that guests may read.
type Mount struct {
	// Guest is where the guest finds it: an absolute path in its shortest form.
	Guest string
	// Host is a directory, or a regular file.
	Host string
}

// EnvironPath is the file in which commands find the environment of the running event: NAME=VALUE, each ended by a zero byte, as on Linux.
const EnvironPath = "/proc/self/environ"

// Mounts are the directories all instances of a module find open. They are read-only, and nothing outside of them can be reached through them:
// neither with ".." nor with a symbolic link.
//
// They show the host's files as these are when a guest looks, as mounts on any system do.
type Mounts struct {
	trees []*tree
	roots []*os.Root
}

// tree is a directory that guests find open: one of the host's, or one that is made of single files.
type tree struct {
	guest string
	root  *os.Root
	files map[string]hostFile
}

// hostFile is a file in a tree made of single ones. Without a root it is the environment.
type hostFile struct {
	root *os.Root
	name string
}

// OpenMounts opens the mounts, in their order; for commands there is also the directory of [EnvironPath], the last. The error names the
// mount that cannot be had.
func OpenMounts(list []Mount, command bool) (*Mounts, error) {
	m := &Mounts{}
	for _, mount := range list {
		if err := m.add(mount); err != nil {
			return nil, errors.Join(fmt.Errorf("mount %s at %s: %w", mount.Host, mount.Guest, err), m.Close())
		}
	}
	if command {
		m.files(path.Dir(EnvironPath)).files[path.Base(EnvironPath)] = hostFile{}
	}
	return m, nil
}

// Close closes the mounts. No guest may use them any more.
func (m *Mounts) Close() error {
	if m == nil {
		return nil
	}
	var errs []error
	for _, root := range m.roots {
		errs = append(errs, root.Close())
	}
	return errors.Join(errs...)
}

func (m *Mounts) add(mount Mount) error {
	if err := CheckGuestPath(mount.Guest); err != nil {
		return err
	}
	host, err := filepath.EvalSymlinks(mount.Host)
	if err != nil {
		return err
	}
	info, err := os.Stat(host)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return m.addDirectory(mount.Guest, host)
	case info.Mode().IsRegular():
		return m.addFile(mount.Guest, host)
	}
	return errors.New("neither a directory nor a regular file")
}

// CheckGuestPath says what is wrong with a path as the place of a mount.
func CheckGuestPath(p string) error {
	switch {
	case !path.IsAbs(p) || path.Clean(p) != p:
		return errors.New("the guest's path must be absolute and without \".\", \"..\", double or final slashes")
	case p == "/proc" || strings.HasPrefix(p, "/proc/"):
		return errors.New("/proc is taken: it holds " + EnvironPath)
	case len(p) > PathBytesMax || !validPath(p):
		return fmt.Errorf("the guest's path must be at most %d bytes of UTF-8 without zero bytes", PathBytesMax)
	}
	return nil
}

func (m *Mounts) addDirectory(guest, host string) error {
	if slices.ContainsFunc(m.trees, func(t *tree) bool { return t.guest == guest }) {
		return errors.New("something else is mounted there")
	}
	root, err := os.OpenRoot(host)
	if err != nil {
		return err
	}
	m.roots = append(m.roots, root)
	m.trees = append(m.trees, &tree{guest: guest, root: root})
	return nil
}

func (m *Mounts) addFile(guest, host string) error {
	if guest == "/" {
		return errors.New("a file cannot be mounted at the root")
	}
	t := m.files(path.Dir(guest))
	if _, there := t.files[path.Base(guest)]; there || t.root != nil {
		return errors.New("something else is mounted there; mount files before, or beside, the directory around them")
	}
	root, err := os.OpenRoot(filepath.Dir(host))
	if err != nil {
		return err
	}
	m.roots = append(m.roots, root)
	t.files[path.Base(guest)] = hostFile{root, filepath.Base(host)}
	return nil
}

// files gives the tree of single files at a guest's directory.
func (m *Mounts) files(guest string) *tree {
	for _, t := range m.trees {
		if t.guest == guest {
			return t
		}
	}
	t := &tree{guest: guest, files: map[string]hostFile{}}
	m.trees = append(m.trees, t)
	return t
}

// place is a path within a tree, resolved as far as a tree made of single files needs it.
type place struct {
	root *os.Root // nil for the environment, and for the tree of single files itself
	path string
	kind kind // known beforehand, or 0
}

// find says where a path leads.
func (t *tree) find(p string) (place, uint32) {
	if t.root != nil {
		return place{root: t.root, path: p}, success
	}
	clean := path.Clean(p)
	switch f, there := t.files[clean]; {
	case clean == ".":
		return place{path: clean, kind: kindDirectory}, success
	case clean == ".." || strings.HasPrefix(clean, "../"):
		return place{}, notCapable
	case !there:
		return place{}, noEnt
	case strings.HasSuffix(p, "/"):
		return place{}, notDir
	case f.root == nil:
		return place{path: clean, kind: kindEnviron}, success
	default:
		return place{root: f.root, path: f.name}, success
	}
}

// stat is what a guest may know of a file.
type stat struct {
	ino   uint64
	kind  kind
	size  int64
	mtime int64
}

// stat looks at a path, and where follow says so at what a symbolic link at its end leads to.
func (t *tree) stat(p string, follow bool) (stat, uint32) {
	at, errno := t.find(p)
	if errno != success || at.kind != 0 {
		return stat{ino: t.ino(at.path), kind: at.kind}, errno
	}
	look := at.root.Lstat
	if follow {
		look = at.root.Stat
	}
	info, err := look(at.path)
	if err != nil {
		return stat{}, errnoOf(err)
	}
	return t.statOf(p, info), success
}

func (t *tree) statOf(p string, info fs.FileInfo) stat {
	return stat{ino: t.ino(p), kind: kindOf(info.Mode()), size: info.Size(), mtime: info.ModTime().UnixNano()}
}

// ino makes a number for a path, the same on every machine.
func (t *tree) ino(p string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(path.Join(t.guest, p)))
	return h.Sum64() | 1 // libraries take 0 for "unknown"
}

// list gives the names in a directory, in their order.
func (t *tree) list(p string) ([]dirEntry, uint32) {
	at, errno := t.find(p)
	switch {
	case errno != success:
		return nil, errno
	case at.kind == kindDirectory:
		return t.listFiles(), success
	case at.kind != 0:
		return nil, notDir
	}
	f, err := at.root.OpenFile(at.path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // not waiting should a pipe have come in its place
	if err != nil {
		return nil, errnoOf(err)
	}
	defer f.Close()
	found, err := f.ReadDir(DirectoryEntriesMax + 1)
	if len(found) > DirectoryEntriesMax {
		return nil, overflow
	}
	if err != nil && len(found) > 0 {
		return nil, errnoOf(err)
	}
	entries := t.dots(p)
	for _, e := range found {
		entries = append(entries, dirEntry{name: e.Name(), kind: kindOf(e.Type()), ino: t.ino(p + "/" + e.Name())})
	}
	sortEntries(entries)
	return entries, success
}

func (t *tree) listFiles() []dirEntry {
	entries := t.dots(".")
	for name, f := range t.files {
		e := dirEntry{name: name, kind: kindFile, ino: t.ino(name)}
		if f.root == nil {
			e.kind = kindEnviron
		}
		entries = append(entries, e)
	}
	sortEntries(entries)
	return entries
}

func (t *tree) dots(p string) []dirEntry {
	return []dirEntry{{".", kindDirectory, t.ino(p)}, {"..", kindDirectory, t.ino(p + "/..")}}
}

func sortEntries(entries []dirEntry) {
	slices.SortFunc(entries[2:], func(a, b dirEntry) int { return strings.Compare(a.name, b.name) })
}
