package runtime_test

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/runtime"
)

// codeFile finds the one file with machine code below a directory.
func codeFile(t *testing.T, dir string) (found string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasSuffix(path, ".crc32c") {
			found = path
		}
		return err
	})
	if err != nil || found == "" {
		t.Fatalf("no code in %s: %v", dir, err)
	}
	return found
}

// loadsWith loads a module whose code is kept in dir, has it answer, and gives what was logged.
func loadsWith(t *testing.T, dir string) string {
	t.Helper()
	var log bytes.Buffer
	l := load(t, labGuest(t), runtime.Options{CacheDir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if r := l.get("/ok"); r.status != 200 {
		t.Errorf("it answers %d", r.status)
	}
	return log.String()
}

// TestAlteredCodeIsNotRun alters what is kept of a module's code, as a failing disk does. The engine itself would refuse to start, or believe what it reads.
func TestAlteredCodeIsNotRun(t *testing.T) {
	dir := t.TempDir()
	loadsWith(t, dir)
	path := codeFile(t, dir)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(at int) []byte {
		b := bytes.Clone(whole)
		b[at] ^= 1 << (at % 8)
		return b
	}
	for _, row := range []struct {
		name    string
		content []byte
		warns   bool
	}{
		{"nothing", whole, false}, {"the magic number", flip(1), true}, {"the engine's version", flip(8), true}, {"the number of functions", flip(7 + int(whole[6]) + 3), true},
		{"where a function begins", flip(7 + int(whole[6]) + 4), true}, {"the code", flip(len(whole) / 2), true}, {"the last byte", flip(len(whole) - 1), true},
		{"half of it is missing", whole[:len(whole)/2], true}, {"all of it is missing", nil, true},
	} {
		if err := os.WriteFile(path, row.content, 0o600); err != nil {
			t.Fatal(err)
		}
		log := loadsWith(t, dir)
		if warned := strings.Contains(log, "altered") && strings.Contains(log, path); warned != row.warns {
			t.Errorf("%s: logged is %q", row.name, log)
		}
		if now, err := os.ReadFile(path); err != nil || len(now) != len(whole) {
			t.Errorf("%s: the code was not compiled again: %d bytes, %v", row.name, len(now), err)
		}
	}
}

func TestCodeWithoutAChecksumIsCompiledAgain(t *testing.T) {
	dir := t.TempDir()
	loadsWith(t, dir)
	path := codeFile(t, dir)
	if err := os.Remove(path + ".crc32c"); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if log := loadsWith(t, dir); log != "" {
		t.Error(log)
	}
	if now, err := os.Stat(path); err != nil || now.ModTime().Sub(old) < time.Minute {
		t.Errorf("the old code was taken: %v", err)
	}
	if _, err := os.Stat(path + ".crc32c"); err != nil {
		t.Error(err)
	}
}

// TestAModuleStartsWhereItsCodeCannotBeKept has a file where the directory should be.
func TestAModuleStartsWhereItsCodeCannotBeKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if log := loadsWith(t, path); !strings.Contains(log, "cannot be kept") {
		t.Error(log)
	}
}
