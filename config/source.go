package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Limits on what is read, so that a wrong file is refused instead of filling memory.
const (
	// MaxFileBytes is the largest configuration or variables file accepted.
	MaxFileBytes = 1 << 20
	// MaxNesting is how deep tables and arrays may lie in one another.
	MaxNesting = 64
	// MaxValues is how many keys and array items a configuration file, or variables a variables file, may have.
	MaxValues = 10_000
)

// treeError says why the text at pos cannot become a tree.
type treeError struct {
	pos     Pos
	key     string
	message string
}

// Error says what is wrong, not where.
func (e *treeError) Error() string { return e.message }

func tooDeep(pos Pos) *treeError {
	return &treeError{pos, "", fmt.Sprintf("tables and arrays are nested deeper than the limit of %d (MaxNesting)", MaxNesting)}
}

func tooMany(pos Pos) *treeError {
	return &treeError{pos, "", fmt.Sprintf("has more than the limit of %d values (MaxValues)", MaxValues)}
}

// fileNames are the names a configuration file can have. Each is looked for up to the root before the next one is tried, as
// wrangler does, so a wrangler.json of a parent directory wins over the wrangler.toml beside you.
var fileNames = [...]string{"wrangler.json", "wrangler.jsonc", "wrangler.toml"}

// findFile gives the configuration file for a directory, empty when there is none up to the root.
func findFile(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the working directory: %w", err)
	}
	for _, name := range fileNames {
		for at := abs; ; at = filepath.Dir(at) {
			path := filepath.Join(at, name)
			if isFile(path) {
				return path, nil
			}
			if at == filepath.Dir(at) {
				break
			}
		}
	}
	return "", nil
}

// displayPath is path as a user in dir would type it: relative below dir, else as it is.
func displayPath(dir, path string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(abs, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return path
	}
	return rel
}

// readText reads a file that must be UTF-8 text of at most [MaxFileBytes], and takes off a byte order mark. name is what problems
// call it. The error of a missing file is [fs.ErrNotExist]; everything else wrong becomes a problem, and ok is false.
func readText(path, name string, problems *Problems) (data []byte, ok bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, fs.ErrNotExist
	}
	if err == nil {
		defer f.Close()
		data, err = io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	}
	if err != nil {
		problems.Add(Pos{File: name}, "", "cannot be read: %v", rootCause(err))
		return nil, false, nil
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if message, offset := textFault(data); message != "" {
		problems.Add(Pos{File: name, Line: newLines(data).at(offset)}, "", "%s", message)
		return nil, false, nil
	}
	return data, true, nil
}

// textFault says why data is no acceptable text, and at which byte; an empty message when it is.
func textFault(data []byte) (message string, offset int) {
	if len(data) > MaxFileBytes {
		return fmt.Sprintf("is larger than the limit of %d bytes (MaxFileBytes)", MaxFileBytes), 0
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return "is UTF-16 text: save it as UTF-8", 0
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return "contains a NUL byte: this is no text file", i
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return fmt.Sprintf("contains the byte 0x%02x, which is not UTF-8: save the file as UTF-8", data[i]), i
		}
		i += size
	}
	return "", 0
}

// rootCause takes the operation and path off an error of package os, which the problem already names.
func rootCause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// lines finds the line of a byte offset.
type lines []int

// newLines records where the lines of data start.
func newLines(data []byte) lines {
	starts := lines{0}
	for i, c := range data {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// at gives the line, counted from 1, of the byte at offset.
func (l lines) at(offset int) int {
	low, high := 0, len(l)
	for high-low > 1 {
		if mid := (low + high) / 2; l[mid] <= offset {
			low = mid
		} else {
			high = mid
		}
	}
	return low + 1
}

// parseFile turns the text of a configuration file into a tree, nil when a problem stopped it. The name's extension says which syntax.
func parseFile(name string, data []byte, problems *Problems) *Node {
	switch filepath.Ext(name) {
	case ".toml":
		return parseTOML(name, data, problems)
	case ".json", ".jsonc":
		return parseJSON(name, data, problems)
	}
	problems.Add(Pos{File: name}, "", "the configuration must be a .toml, .json or .jsonc file")
	return nil
}
