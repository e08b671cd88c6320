package kv

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Stored reports whether dir holds a file of the namespace with the given id: it does from the first time the namespace is opened.
func Stored(dir, id string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, fileName(id)))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// StoredIDs gives the ids of the namespaces that have a file in dir, sorted; none when there is no such directory. An id too long for a file
// name, of which only a hash is there, is left out.
func StoredIDs(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var ids []string
	for _, file := range files {
		if id, ok := idOf(file.Name()); ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// idOf undoes fileName.
func idOf(name string) (id string, ok bool) {
	rest, ours := strings.CutPrefix(name, "kv-")
	rest, database := strings.CutSuffix(rest, ".sqlite")
	if !ours || !database {
		return "", false
	}
	var b strings.Builder
	for {
		plain, escape, found := strings.Cut(rest, "~")
		b.WriteString(plain)
		if !found {
			break
		}
		if len(escape) < 2 {
			return "", false
		}
		c, err := strconv.ParseUint(escape[:2], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(c))
		rest = escape[2:]
	}
	return b.String(), fileName(b.String()) == name
}
