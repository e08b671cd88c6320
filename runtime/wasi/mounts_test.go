package wasi

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// FuzzNoPathLeavesItsMount opens, looks at and lists any path a guest may name: what lies beside the mount must never be found.
func FuzzNoPathLeavesItsMount(f *testing.F) {
	base := f.TempDir()
	dir := filepath.Join(base, "mounted")
	for _, d := range []string{"sub/deeper", "../outside"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			f.Fatal(err)
		}
	}
	for name, text := range map[string]string{"a": "inside", "sub/b": "inside", "../secret": "secret", "../outside/secret": "secret"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	for name, target := range map[string]string{"up": "..", "out": "../outside", "file": "../secret", "sub/root": "/", "sub/back": "..", "abs": base} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			f.Skip(err)
		}
	}
	m, err := OpenMounts([]Mount{{Guest: "/m", Host: dir}, {Guest: "/f/a", Host: filepath.Join(dir, "a")}}, true)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { m.Close() })
	for _, seed := range []string{
		"a", "sub/b", "../secret", "up/secret", "out/secret", "file", "sub/root/etc/passwd", "sub/back/../secret", "abs/secret", "sub/../../secret", ".", "./a/", "a/..", "//a", "environ",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if p == "" || p[0] == '/' || len(p) > PathBytesMax || !validPath(p) {
			return // never reaches a tree
		}
		for _, tree := range m.trees {
			checkInside(t, tree, p)
		}
	})
}

func checkInside(t *testing.T, tree *tree, p string) {
	for _, follow := range []bool{false, true} {
		d, errno := tree.openPath(p, follow)
		if errno == success && d.host != nil {
			data, err := io.ReadAll(d.host)
			d.host.Close()
			if err != nil || string(data) != "inside" {
				t.Fatalf("%q holds %q (%v)", p, data, err)
			}
		}
		tree.stat(p, follow)
	}
	entries, errno := tree.list(p)
	for _, e := range entries {
		if errno == success && slices.Contains([]string{"secret", "outside", "mounted", "etc"}, e.name) {
			t.Fatalf("%q lists %q", p, e.name)
		}
	}
}
