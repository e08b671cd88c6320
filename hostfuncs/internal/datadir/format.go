package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Format is what this version writes into data directories, and the newest it can read. It is raised when an older version would misread what a newer one has
// written; formats of single files are their own concern. Directories without a stamp have format 1.
const Format = 1

// FormatFile is the name of the file that has the format of the directory it is in.
const FormatFile = "FORMAT"

// FormatError says that a data directory is none that this version can use.
type FormatError struct {
	// File is the stamp, Text what is in it.
	File, Text string
}

// Error names the file, both formats, and a way out.
func (e *FormatError) Error() string {
	if _, err := strconv.Atoi(e.Text); err != nil {
		return fmt.Sprintf("%s should have a number in it and has %.40q: is this a data directory of pagesrun? It may have been damaged", e.File, e.Text)
	}
	return fmt.Sprintf("the data directory has format %s (says %s) and this version of pagesrun knows formats up to %d: it was written by a newer version. "+
		"Use that version, or another directory with --persist-to DIR", e.Text, e.File, Format)
}

// Check refuses a data directory of a newer format with a [*FormatError]. It writes nothing.
func Check(dir string) error {
	_, err := stamped(dir)
	return err
}

// Stamp is [Check] for whoever writes: a directory without a stamp, which must exist, gets one. When it returns nil the stamp is durable.
func Stamp(dir string) error {
	has, err := stamped(dir)
	if has || err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, FormatFile+".*.tmp")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, Format)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, FormatFile))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return Sync(dir)
}

// stamped says whether a directory has a stamp, and refuses one that cannot be used.
func stamped(dir string) (bool, error) {
	file := filepath.Join(dir, FormatFile)
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	text := strings.TrimSpace(string(content))
	if n, err := strconv.Atoi(text); err != nil || n < 1 || n > Format {
		return true, &FormatError{File: file, Text: text}
	}
	return true, nil
}
