package config

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Mount is one entry of "pagesrun.mounts": a directory or file of the host that guests may read.
type Mount struct {
	// Guest is where the guest finds it: an absolute path in its shortest form.
	Guest string
	// Host is the directory or regular file, seen from the directory of the configuration file.
	Host string
	// Pos is where the entry was written.
	Pos Pos
}

// MountsMax is the most mounts a function may have.
const MountsMax = 64

// mounts reads the array "pagesrun.mounts".
func (l *loader) mounts(t *Table) []Mount {
	var mounts []Mount
	node := t.Node("mounts")
	EachTable(node, t.Path("mounts"), &l.problems, func(t *Table) {
		m := Mount{Guest: t.String("guest", Required), Host: t.String("host", Required), Pos: t.Pos()}
		if m.Guest != "" {
			checkGuestPath(t, m.Guest)
		}
		if m.Host != "" {
			m.Host = resolve(l.cfg.Dir, filepath.FromSlash(m.Host))
			checkHostPath(t, m.Host)
		}
		for _, other := range mounts {
			if other.Guest == m.Guest && m.Guest != "" {
				t.Fail("guest", "is mounted twice: %q", m.Guest)
			}
		}
		t.RejectUnknown()
		mounts = append(mounts, m)
	})
	if len(mounts) > MountsMax {
		t.Fail("mounts", "must be at most %d, not %d", MountsMax, len(mounts))
	}
	return mounts
}

func checkGuestPath(t *Table, p string) {
	switch {
	case !path.IsAbs(p) || path.Clean(p) != p:
		t.Fail("guest", "must be an absolute path such as \"/app\", without \".\", \"..\" and final slashes, not %q", p)
	case p == "/proc" || strings.HasPrefix(p, "/proc/"):
		t.Fail("guest", "must not be in /proc, which WASI commands have for /proc/self/environ")
	case strings.ContainsRune(p, 0):
		t.Fail("guest", "must not have a zero byte")
	}
}

// checkHostPath looks at what is to be mounted, so that a wrong path is known before anything is served.
func checkHostPath(t *Table, p string) {
	info, err := os.Stat(p)
	switch {
	case err != nil:
		cause := err
		if e, ok := err.(*fs.PathError); ok {
			cause = e.Err
		}
		t.Fail("host", "cannot be mounted: %s: %v", p, cause)
	case !info.IsDir() && !info.Mode().IsRegular():
		t.Fail("host", "must be a directory or a regular file, which %s is not", p)
	}
}

// args reads the array "pagesrun.args".
func args(t *Table) []string {
	list := t.Strings("args")
	for _, a := range list {
		if strings.ContainsRune(a, 0) {
			t.Fail("args", "must not have zero bytes: %q", a)
		}
	}
	return list
}
