// Package datadir makes directories that survive a loss of power.
//
// A file's bytes are durable once the file has been synced, its name once its directory has been, and so on up to a directory that was there before. File
// systems with a journal do that by themselves; POSIX does not promise it.
package datadir

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// mode lets nobody but the owner see the data.
const mode = 0o700

// Make makes a directory, and those above it, where they are missing. When it returns nil the names of all it has made are durable.
func Make(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	var parents []string
	for at := dir; !exists(at) && filepath.Dir(at) != at; at = filepath.Dir(at) {
		parents = append(parents, filepath.Dir(at))
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return err
	}
	for _, parent := range parents {
		if err := Sync(parent); err != nil {
			return err
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Sync makes the names in a directory durable, where the system can do that and lets this process do it.
func Sync(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil // one may write into directories that one may not read
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, os.ErrPermission) {
		return nil
	}
	return err
}
