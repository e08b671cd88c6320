package disk_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pagesrun/pagesrun/torture/disk"
)

// script drives a disk by path and fails the test where an operation does.
type script struct {
	*testing.T
	*disk.Disk
}

func (s script) find(path string) *disk.Node {
	s.Helper()
	n := s.Root()
	for name := range strings.SplitSeq(path, "/") {
		if name == "" {
			continue
		}
		var err error
		if n, err = s.Lookup(n, name); err != nil {
			s.Fatalf("%s: %v", path, err)
		}
	}
	return n
}

func (s script) split(path string) (*disk.Node, string) {
	dir, name := filepath.Split(path)
	return s.find(dir), name
}

func (s script) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s script) make(path string, mode uint32) {
	s.Helper()
	dir, name := s.split(path)
	_, err := s.Make(dir, name, mode)
	s.must(err)
}

func (s script) file(path, text string) {
	s.Helper()
	s.make(path, syscall.S_IFREG|0o600)
	s.write(path, text, 0)
}

func (s script) write(path, text string, at int64) {
	s.Helper()
	s.must(s.Write(s.find(path), []byte(text), at))
}

func (s script) truncate(path string, size int64) { s.must(s.Truncate(s.find(path), size)) }
func (s script) dir(path string)                  { s.make(path, syscall.S_IFDIR|0o700) }

func (s script) sync(paths ...string) {
	for _, path := range paths {
		s.must(s.Sync(s.find(path)))
	}
}

func (s script) rename(from, to string) {
	d, name := s.split(from)
	e, newName := s.split(to)
	s.must(s.Rename(d, name, e, newName))
}

func (s script) remove(path string) {
	d, name := s.split(path)
	s.must(s.Remove(d, name))
}

// tree writes all files and directories with their contents.
func (s script) tree() string {
	var out []string
	var walk func(string, *disk.Node)
	walk = func(path string, n *disk.Node) {
		for _, name := range s.List(n) {
			child, err := s.Lookup(n, name)
			s.must(err)
			if a := s.Attributes(child); a.Mode&syscall.S_IFMT == syscall.S_IFDIR {
				out = append(out, path+name+"/")
				walk(path+name+"/", child)
			} else {
				b := make([]byte, a.Size+1)
				out = append(out, path+name+"="+string(b[:s.Read(child, b, 0)]))
			}
		}
	}
	walk("", s.Root())
	return strings.Join(out, " ")
}

func TestWhatAPowerCutLeaves(t *testing.T) {
	for _, row := range []struct {
		name            string
		do              func(script)
		letter, journal string
	}{
		{"a file that nobody synced is gone", func(s script) { s.file("a", "1") }, "", ""},
		{"a synced file in a directory that was not", func(s script) { s.file("a", "1"); s.sync("a") }, "", "a=1"},
		{"a synced file in a synced directory", func(s script) { s.file("a", "1"); s.sync("a", "") }, "a=1", "a=1"},
		{"the name of a file without its bytes", func(s script) { s.file("a", "1"); s.sync("") }, "a=", "a="},
		{"what was appended after the sync is gone", func(s script) { s.file("a", "1"); s.sync("a", ""); s.write("a", "2", 1) }, "a=1", "a=1"},
		{"what was overwritten after the sync is back", func(s script) { s.file("a", "1"); s.sync("a", ""); s.write("a", "2", 0) }, "a=1", "a=1"},
		{"a truncation is undone", func(s script) { s.file("a", "123"); s.sync("a", ""); s.truncate("a", 1) }, "a=123", "a=123"},
		{"a truncation that was synced is not", func(s script) { s.file("a", "123"); s.truncate("a", 1); s.sync("a", ""); s.truncate("a", 2) }, "a=1", "a=1"},
		{"what a truncation cut off does not come back", func(s script) {
			s.file("a", "123")
			s.truncate("a", 1)
			s.truncate("a", 3)
			s.sync("a", "")
		}, "a=1\x00\x00", "a=1\x00\x00"},
		{"a removal is undone", func(s script) { s.file("a", "1"); s.sync("a", ""); s.remove("a") }, "a=1", "a=1"},
		{"a replacement is undone as a whole", func(s script) {
			s.file("a", "1")
			s.sync("a", "")
			s.file("b", "2")
			s.sync("b")
			s.rename("b", "a")
		}, "a=1", "a=1 b=2"},
		{"a replacement that was synced stays", func(s script) {
			s.file("a", "1")
			s.sync("a", "")
			s.file("b", "2")
			s.rename("b", "a")
			s.sync("a", "")
		}, "a=2", "a=2"},
		{"a file in a directory that has no durable name", func(s script) { s.dir("d"); s.file("d/a", "1"); s.sync("d/a", "d") }, "", "d/ d/a=1"},
		{"a file in a directory whose parent was synced", func(s script) { s.dir("d"); s.file("d/a", "1"); s.sync("d/a", "d", "") }, "d/ d/a=1", "d/ d/a=1"},
		{"a move from one directory to another is one change", func(s script) {
			s.dir("d")
			s.file("a", "1")
			s.sync("a", "", "d")
			s.rename("a", "d/b")
			s.sync("d")
		}, "d/ d/b=1", "d/ d/b=1"},
	} {
		for model, want := range map[disk.Model]string{disk.Letter: row.letter, disk.Journal: row.journal} {
			t.Run(row.name+", "+model.String(), func(t *testing.T) {
				s := script{t, disk.New(model)}
				row.do(s)
				s.Pull(disk.Nothing, nil)
				if got := s.tree(); got != want {
					t.Errorf("left is %q, want %q", got, want)
				}
				if lost := s.Pull(disk.Nothing, nil); lost != (disk.Loss{}) {
					t.Errorf("a second cut lost %+v", lost)
				}
			})
		}
	}
}

func TestProgramsSeeWhatTheyHaveDone(t *testing.T) {
	s := script{t, disk.New(disk.Letter)}
	s.file("a", "1")
	s.dir("d")
	s.file("d/b", "2")
	s.write("d/b", "x", 3)
	s.rename("a", "d/c")
	if got, want := s.tree(), "d/ d/b=2\x00\x00x d/c=1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for name, err := range map[string]error{
		"a directory with entries":    s.Remove(s.Root(), "d"),
		"nothing":                     s.Remove(s.Root(), "e"),
		"a rename of nothing":         s.Rename(s.Root(), "e", s.Root(), "f"),
		"a rename over a full folder": s.Rename(s.find("d"), "b", s.Root(), "d"),
		"an exchange with nothing":    s.Exchange(s.Root(), "d", s.Root(), "e"),
	} {
		if !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ENOTEMPTY) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.must(s.Exchange(s.find("d"), "b", s.find("d"), "c"))
	dir := t.TempDir()
	s.must(s.Dump(dir))
	if b, err := os.ReadFile(filepath.Join(dir, "d", "b")); err != nil || string(b) != "1" {
		t.Errorf("%q %v", b, err)
	}
}

// TestCutsThatLeaveAPart looks at what a thousand cuts leave of a file of two sectors that was overwritten twice.
func TestCutsThatLeaveAPart(t *testing.T) {
	old, first, second := strings.Repeat("0", 1024), strings.Repeat("1", 1024), strings.Repeat("2", 1024)
	wants := map[disk.Cut][]string{
		disk.Nothing: {old},
		disk.Some:    {old, first, second},
		disk.Torn:    {},
	}
	for _, a := range []string{old, first, second} {
		for _, b := range []string{old, first, second} {
			wants[disk.Torn] = append(wants[disk.Torn], a[:512]+b[512:])
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, cut := range disk.Cuts() {
		seen := map[string]bool{}
		for range 1000 {
			s := script{t, disk.New(disk.Letter)}
			s.file("a", old)
			s.sync("a", "")
			s.write("a", first, 0)
			s.write("a", second, 0)
			s.Pull(cut, random)
			seen[strings.TrimPrefix(s.tree(), "a=")] = true
		}
		for _, want := range wants[cut] {
			if !seen[want] {
				t.Errorf("%s never left %.8q… and …%.8q", cut, want, want[512:])
			}
			delete(seen, want)
		}
		if len(seen) != 0 {
			t.Errorf("%s left %d other contents", cut, len(seen))
		}
	}
}
