package datadir_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/hostfuncs/internal/datadir"
)

func TestADataDirectoryIsUsedWhenItsFormatIsKnown(t *testing.T) {
	for _, row := range []struct{ name, stamp, refusal string }{
		{"without a stamp", "none", ""}, {"of this version", "1\n", ""}, {"of a newer version", "2\n", "has format 2"},
		{"of no version", "0\n", "format 0"}, {"with something else in its place", "hello", `has "hello"`}, {"with nothing in its place", "", `has ""`},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, datadir.FormatFile)
		if row.stamp != "none" {
			if err := os.WriteFile(file, []byte(row.stamp), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, err := range []error{datadir.Check(dir), datadir.Stamp(dir), datadir.Stamp(dir)} {
			var refused *datadir.FormatError
			if (row.refusal != "") != errors.As(err, &refused) || err != nil && !(strings.Contains(err.Error(), row.refusal) && strings.Contains(err.Error(), file)) {
				t.Errorf("%s: %v", row.name, err)
			}
		}
		want := row.stamp
		if want == "none" {
			want = "1\n"
		}
		if now, err := os.ReadFile(file); err != nil || string(now) != want {
			t.Errorf("%s: afterwards the stamp is %q, %v", row.name, now, err)
		}
		if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
			t.Errorf("%s: %v, %v", row.name, list, err)
		}
	}
}

func TestADirectoryThatIsMissingHasNoFormatYet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if err := datadir.Check(dir); err != nil {
		t.Error(err)
	}
	if err := datadir.Stamp(dir); err == nil {
		t.Error("it was stamped")
	}
}
