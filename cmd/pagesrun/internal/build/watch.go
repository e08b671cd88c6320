package build

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pagesrun/pagesrun/config"
)

// left are the folders that are not looked into: what package managers and compilers put there is not written by people. Neither are
// files and folders whose names begin with a dot.
var left = []string{"node_modules", "target", "zig-out", "zig-cache"}

// Stamps is a cheap look at the files a configuration wants watched: it changes when the size or the time of one does, or when one comes or goes. The module
// itself does not count.
func Stamps(cfg *config.Config) string {
	var b strings.Builder
	walk(cfg, func(path string, info fs.FileInfo) {
		fmt.Fprintf(&b, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
	})
	return b.String()
}

// Fingerprint is a look at what is in these files: a build that writes into a watched folder what is there already does not count as a change.
func Fingerprint(cfg *config.Config) [32]byte {
	h := sha256.New()
	walk(cfg, func(path string, info fs.FileInfo) {
		data, err := os.ReadFile(path)
		fmt.Fprintf(h, "%s %v %d\n", path, err == nil, len(data))
		h.Write(data)
	})
	return [32]byte(h.Sum(nil))
}

// walk calls fn for every watched file. What cannot be read is left out: it shows in the build.
func walk(cfg *config.Config, fn func(path string, info fs.FileInfo)) {
	for _, root := range cfg.Build.Watch {
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return nil
			case path != root && (strings.HasPrefix(d.Name(), ".") || d.IsDir() && slices.Contains(left, d.Name())):
				return skip(d)
			case !d.Type().IsRegular() || path == cfg.Main:
				return nil
			}
			if info, err := d.Info(); err == nil {
				fn(path, info)
			}
			return nil
		})
	}
}

// skip leaves out a file, or a folder with all that is in it.
func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}
