package datadir

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// copiesMax is how many copies of damaged files are kept side by side, so that a process that is started again and again does not fill the disk with them.
const copiesMax = 8

// KeepCopy writes what a damaged file has, before it is written over, to a file for a person to look at. Its name is the prefix, then what tells the file from others with
// that prefix, then the time in seconds. Of the files with the prefix the newest are kept, and the others deleted.
func KeepCopy(prefix, what string, content []byte) (path string, err error) {
	path = fmt.Sprintf("%s%s%d", prefix, what, time.Now().Unix())
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return "", err
	}
	keepNewest(prefix)
	return path, nil
}

// keepNewest deletes all but the newest copies with a prefix, as far as it can.
func keepNewest(prefix string) {
	dir, base := filepath.Split(prefix)
	entries, _ := os.ReadDir(dir)
	var copies []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && strings.HasPrefix(entry.Name(), base) {
			copies = append(copies, info)
		}
	}
	slices.SortStableFunc(copies, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, old := range copies[min(len(copies), copiesMax):] {
		os.Remove(filepath.Join(dir, old.Name()))
	}
}
