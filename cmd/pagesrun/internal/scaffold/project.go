package scaffold

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun"
)

// Project is a project to be made.
type Project struct {
	// Dir is the folder to make. Its last element is the project's name.
	Dir string
	// Language is the project's language.
	Language Language
	// Version is that of pagesrun, for the note in the SDK's folder.
	Version string
	// Date becomes the project's compatibility date.
	Date time.Time
}

// NameError is a name no project can have.
type NameError struct {
	Name string
}

// Error says what a name looks like, with one that resembles the wrong one where there is such a one.
func (e *NameError) Error() string {
	text := fmt.Sprintf("%q is no name for a project: use lower-case letters, digits and \"-\", beginning with a letter, at most 63 in all", e.Name)
	if like := resembling(e.Name); like != "" && like != e.Name {
		text += fmt.Sprintf("; how about %q?", like)
	}
	return text
}

// The names that every part of a project can have: wrangler, Go, Cargo, npm and Zig.
var (
	namePattern = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)
	foreign     = regexp.MustCompile(`[^a-z0-9]+`)
)

// resembling makes a name of a text, empty when that cannot be.
func resembling(text string) string {
	name := strings.Trim(foreign.ReplaceAllString(strings.ToLower(text), "-"), "-0123456789")
	if len(name) > 63 || !namePattern.MatchString(name) {
		return ""
	}
	return name
}

// Create makes the project, whole or not at all. The folder must not be there, or be empty; the one above it must be there.
func (p Project) Create() error {
	dir, err := filepath.Abs(p.Dir)
	if err != nil {
		return err
	}
	name := filepath.Base(filepath.Clean(p.Dir))
	if !namePattern.MatchString(name) {
		return &NameError{name}
	}
	if err := checkEmpty(dir); err != nil {
		return err
	}
	files, err := p.files(name)
	if err != nil {
		return err
	}
	return place(dir, files)
}

// checkEmpty makes sure that a project can be put at dir.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if info, statErr := os.Lstat(dir); statErr == nil && !info.IsDir() {
		return fmt.Errorf("there is a file %s already: choose another name", filepath.Base(dir))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("the folder %s is not empty: choose another name, or remove it", filepath.Base(dir))
	}
	return nil
}

// place writes the files to a folder of their own and gives that folder its name when it is whole.
func place(dir string, files map[string][]byte) (err error) {
	parent := filepath.Dir(dir)
	if _, err := os.Stat(parent); err != nil {
		return fmt.Errorf("there is no folder %s to make %s in", parent, filepath.Base(dir))
	}
	temp, err := os.MkdirTemp(parent, ".pagesrun-new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	for name, data := range files {
		if err := write(filepath.Join(temp, filepath.FromSlash(name)), data); err != nil {
			return err
		}
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is an empty folder, or not there
		return err
	}
	return os.Rename(temp, dir)
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if filepath.Ext(path) == ".sh" {
		mode = 0o755
	}
	return os.WriteFile(path, data, mode)
}

// files are the project's files by their paths in it.
func (p Project) files(name string) (map[string][]byte, error) {
	files := map[string][]byte{}
	fill := p.filler(name)
	for _, root := range []string{"guest-sdk/template", "guest-sdk/" + p.Language.Name + "/template"} {
		err := fs.WalkDir(pagesrun.Sources, root, func(from string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := pagesrun.Sources.ReadFile(from)
			files[target(strings.TrimPrefix(from, root+"/"))] = []byte(fill.Replace(string(data)))
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, p.addSDK(files)
}

// target is where a file of a template goes. The templates are called .tmpl so that no tool takes them for sources of the repository.
func target(name string) string {
	name = strings.TrimSuffix(name, ".tmpl")
	if name == "gitignore" {
		return ".gitignore"
	}
	return name
}

// unwanted are the folders of an SDK that projects have no use for.
var unwanted = []string{"template", "probe", "tests", "testdata", "wasmtest"}

// addSDK adds the sources of the SDK, except its tests and what the template has another version of.
func (p Project) addSDK(files map[string][]byte) error {
	for _, part := range p.Language.sdk {
		err := fs.WalkDir(pagesrun.Sources, part.from, func(from string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && slices.Contains(unwanted, d.Name()):
				return fs.SkipDir
			}
			to := part.to + strings.TrimPrefix(from, part.from)
			if d.IsDir() || strings.Contains(d.Name(), "_test.") || files[to] != nil {
				return nil
			}
			files[to], err = pagesrun.Sources.ReadFile(from)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// filler replaces what templates leave open.
func (p Project) filler(name string) *strings.Replacer {
	l, identifier := p.Language, zigIdentifier(name)
	watch := quoted(l.watch)
	if len(l.watch) == 1 {
		watch = strconv.Quote(l.watch[0])
	}
	return strings.NewReplacer(
		"{{name}}", name, "{{language}}", l.Title, "{{version}}", p.Version, "{{date}}", p.Date.UTC().Format(time.DateOnly),
		"{{main}}", l.main, "{{command}}", l.command, "{{watch}}", watch, "{{needs}}", l.needs, "{{ignored}}", strings.Join(l.ignored, "\n"),
		"{{commands}}", l.explained(), "{{files}}", l.fileTable(), "{{identifier}}", identifier, "{{fingerprint}}", zigFingerprint(identifier),
	)
}

// quoted is a list as TOML has it.
func quoted(list []string) string {
	var items []string
	for _, item := range list {
		items = append(items, strconv.Quote(item))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// zigIdentifierBytesMax is how long Zig lets the name of a package be.
const zigIdentifierBytesMax = 32

// zigIdentifier makes a name an identifier of Zig.
func zigIdentifier(name string) string {
	id := strings.ReplaceAll(name, "-", "_")
	if slices.Contains(zigWords, id) {
		id = "app_" + id
	}
	return id[:min(len(id), zigIdentifierBytesMax)]
}

// zigWords are the words that cannot be identifiers: https://ziglang.org/documentation/0.14.1/#Keyword-Reference
var zigWords = strings.Fields(`addrspace align allowzero and anyframe anytype asm break callconv catch comptime const continue defer else enum errdefer error
	export extern fn for if inline linksection noalias noinline nosuspend opaque or orelse packed pub resume return struct suspend switch test threadlocal
	try union unreachable usingnamespace var volatile while`)

// zigFingerprint is what Zig tells packages apart by: a random number that is neither 0 nor all ones, under the checksum of the name.
func zigFingerprint(identifier string) string {
	var random [4]byte
	rand.Read(random[:])
	id := 1 + binary.LittleEndian.Uint32(random[:])%0xffff_fffe
	return fmt.Sprintf("0x%08x%08x", crc32.ChecksumIEEE([]byte(identifier)), id)
}
