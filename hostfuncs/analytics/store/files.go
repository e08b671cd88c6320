package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// NameBytesMax is the longest name of a dataset.
const NameBytesMax = 64

// CheckName says what is wrong with the name of a dataset; nil when nothing is.
func CheckName(dataset string) error {
	switch {
	case dataset == "":
		return errors.New("must not be empty")
	case len(dataset) > NameBytesMax:
		return fmt.Errorf("must have at most %d bytes, not %d", NameBytesMax, len(dataset))
	}
	return nil
}

// FileName is the name of a dataset's file. Distinct datasets have distinct names on every file system, also one that takes upper and
// lower case for the same.
func FileName(dataset string) string {
	var b strings.Builder
	b.WriteString("analytics-")
	for _, c := range []byte(dataset) {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "~%02x", c)
		}
	}
	b.WriteString(".sqlite")
	return b.String()
}

// datasetOf undoes [FileName].
func datasetOf(file string) (dataset string, ok bool) {
	rest, ours := strings.CutPrefix(file, "analytics-")
	rest, database := strings.CutSuffix(rest, ".sqlite")
	if !ours || !database {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		if rest[i] != '~' {
			b.WriteByte(rest[i])
			continue
		}
		if i+2 >= len(rest) {
			return "", false
		}
		c, err := strconv.ParseUint(rest[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(c))
		i += 2
	}
	return b.String(), FileName(b.String()) == file
}

// Stored are the datasets that have a file in dir, sorted; none when there is no such directory.
func Stored(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var datasets []string
	for _, f := range files {
		if dataset, ok := datasetOf(f.Name()); ok {
			datasets = append(datasets, dataset)
		}
	}
	slices.Sort(datasets)
	return datasets, nil
}

// Path is where the points of a dataset are, in dir.
func Path(dir, dataset string) string { return filepath.Join(dir, FileName(dataset)) }

// Has says whether a dataset has a file in dir.
func Has(dir, dataset string) (bool, error) {
	if CheckName(dataset) != nil {
		return false, nil
	}
	_, err := os.Stat(Path(dir, dataset))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
