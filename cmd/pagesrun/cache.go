package main

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
)

// compiledModulesMax is of how many modules the machine code is kept. Every change of a module leaves some behind; without an end "pagesrun dev" would fill the
// disk.
const compiledModulesMax = 50

// cacheDir is where compiled modules are kept, each in a directory of its own. Without one they are compiled at every start.
func cacheDir(dataDir string, log *slog.Logger) string {
	dir := filepath.Join(dataDir, "cache")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		log.Warn("compiled modules cannot be kept for the next start", "cause", err)
		return ""
	}
	if err := trim(dir, compiledModulesMax); err != nil {
		log.Warn("old compiled modules cannot be deleted", "cause", err)
	}
	return dir
}

// trim deletes the directories in a directory that were used least recently, until only so many are left. A file that another process is reading stays
// readable to it, or is compiled again.
func trim(dir string, keep int) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) <= keep {
		return err
	}
	var modules []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.IsDir() {
			modules = append(modules, info)
		}
	}
	slices.SortFunc(modules, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, module := range modules[min(keep, len(modules)):] {
		if err := os.RemoveAll(filepath.Join(dir, module.Name())); err != nil {
			return err
		}
	}
	return nil
}
