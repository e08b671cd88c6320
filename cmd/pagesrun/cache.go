package main

import (
	"cmp"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
)

// compiledFilesMax is how many compiled modules are kept for each version of the engine. Every change of a module leaves one behind; without
// an end "pagesrun dev" would fill the disk.
const compiledFilesMax = 50

// cacheDir is where compiled modules are kept. Without one they are compiled at every start.
func cacheDir(dataDir string, log *slog.Logger) string {
	dir := filepath.Join(dataDir, "cache")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		log.Warn("compiled modules cannot be kept for the next start", "cause", err)
		return ""
	}
	engines, err := filepath.Glob(filepath.Join(dir, "wazero-*"))
	for _, engine := range engines {
		err = cmp.Or(err, trim(engine, compiledFilesMax))
	}
	if err != nil {
		log.Warn("old compiled modules cannot be deleted", "cause", err)
	}
	return dir
}

// trim deletes the files of a directory that were written first, until only so many are left. A file that another process is reading stays
// readable to it, or is compiled again.
func trim(dir string, keep int) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) <= keep {
		return err
	}
	var files []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, file := range files[min(keep, len(files)):] {
		if err := os.Remove(filepath.Join(dir, file.Name())); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
