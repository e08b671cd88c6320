package datadir

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	paths, _ := filepath.Glob(escape(prefix) + "*")
	slices.SortStableFunc(paths, func(a, b string) int { return cmp.Compare(modified(b), modified(a)) })
	for _, old := range paths[min(len(paths), copiesMax):] {
		os.Remove(old)
	}
}

// escape makes a pattern that matches just the path.
func escape(path string) string {
	var pattern []rune
	for _, r := range path {
		if slices.Contains([]rune(`*?[\`), r) {
			pattern = append(pattern, '\\')
		}
		pattern = append(pattern, r)
	}
	return string(pattern)
}

// modified is when a file was written last; 0 where it is gone.
func modified(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.ModTime().UnixNano()
}
