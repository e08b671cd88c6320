package migrations

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs/d1"
)

// folder makes a directory of migrations.
func folder(t *testing.T, files map[string]string) Folder {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Folder{Dir: dir, Table: `we"ird`}
}

func open(t *testing.T) *d1.Database {
	t.Helper()
	db, err := d1.OpenDatabase(context.Background(), d1.Options{Dir: t.TempDir(), Relaxed: true}, "x")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// apply applies what is pending and gives the names.
func apply(t *testing.T, f Folder, db *d1.Database) (done []string, err error) {
	t.Helper()
	err = f.Apply(context.Background(), db, func(name string) { done = append(done, name) })
	return done, err
}

func TestFilesComeInTheOrderOfTheirNumbers(t *testing.T) {
	f := folder(t, map[string]string{"0002_b.sql": "", "10_d.sql": "", "9_c.sql": "", "0002_a.sql": "", "0001_z.sql": "", "plain.sql": "", "0003.sql": "", "README.md": "", "0004_x.sql.bak": ""})
	if err := os.Mkdir(filepath.Join(f.Dir, "0005_dir.sql"), 0o700); err != nil {
		t.Fatal(err)
	}
	names, err := f.Files()
	if want := []string{"plain.sql", "0001_z.sql", "0002_a.sql", "0002_b.sql", "0003.sql", "9_c.sql", "10_d.sql"}; !slices.Equal(names, want) || err != nil {
		t.Errorf("got %q, %v", names, err)
	}
	none := Folder{Dir: filepath.Join(f.Dir, "none")}
	if names, err := none.Files(); len(names) != 0 || err != nil {
		t.Error(names, err)
	}
}

func TestANewMigrationHasTheNextNumber(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.FixedZone("", 3600))
	f := folder(t, map[string]string{"0041_a.sql": "", "7_b.sql": ""})
	path, err := f.Create(" add  it ", now)
	text, _ := os.ReadFile(path)
	if filepath.Base(path) != "0042_add__it.sql" || err != nil || string(text) != "-- Migration number: 0042 \t 2026-01-02T02:04:05.006Z\n" {
		t.Errorf("%s, %q, %v", path, text, err)
	}
	for _, name := range []string{"", "  ", "a/b", `a\b`, "a\x00"} {
		if _, err := f.Create(name, now); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
	fresh := Folder{Dir: filepath.Join(f.Dir, "new", "er")}
	if path, err := fresh.Create("x", now); filepath.Base(path) != "0001_x.sql" || err != nil {
		t.Error(path, err)
	}
}

func TestWhatIsAppliedIsRecordedWithIt(t *testing.T) {
	db := open(t)
	f := folder(t, map[string]string{
		"0001_it's.sql": "CREATE TABLE t (a);\nBEGIN;\nINSERT INTO t VALUES (1);\nCOMMIT;", "0002_comment.sql": "INSERT INTO t VALUES (2); /* never closed",
		"0003_empty.sql": "", "0004_only_a_comment.sql": "-- nothing", "0005_spaces.sql": " \n;;\n",
	})
	done, err := apply(t, f, db)
	if len(done) != 5 || err != nil {
		t.Fatal(done, err)
	}
	if again, err := apply(t, f, db); len(again) != 0 || err != nil {
		t.Error(again, err)
	}
	names, err := texts(context.Background(), db, `SELECT name FROM "we""ird" ORDER BY id`)
	if !slices.Equal(names, done) || err != nil {
		t.Errorf("recorded are %q, %v", names, err)
	}
}

func TestAFailureNamesTheLineAndKeepsWhatWasBefore(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
		line       int64
	}{
		"a syntax error":             {"-- one\n\nINSERT INTO t VALUES (2);\n\n  SELEC;\n", `near "SELEC"`, 5},
		"an error on the first line": {"INSERT INTO nope VALUES (1);", "no such table: nope", 1},
		"a string that never ends":   {"INSERT INTO t VALUES (2);\nINSERT INTO t VALUES ('", "unrecognized token", 2},
		"a constraint":               {"INSERT INTO t VALUES (2);\nINSERT INTO t VALUES (2);", "UNIQUE constraint failed", 2},
		"an unfinished statement":    {"INSERT INTO t VALUES (2);\nINSERT INTO", "incomplete input", 2},
		"what is not allowed":        {"ATTACH 'x' AS y;", "not authorized", 1},
		"a savepoint":                {"SAVEPOINT s;", "To execute a transaction", 1},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			f := folder(t, map[string]string{"0001_a.sql": "CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1);", "0002_b.sql": c.text, "0003_c.sql": "INSERT INTO t VALUES (3);"})
			done, err := apply(t, f, db)
			var failure *Error
			if !slices.Equal(done, []string{"0001_a.sql"}) || !errors.As(err, &failure) || failure.Line != c.line || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%q, %v", done, err)
			}
			if failure.File != filepath.Join(f.Dir, "0002_b.sql") {
				t.Error(failure.File)
			}
			rows, err := texts(context.Background(), db, "SELECT CAST(a AS TEXT) FROM t")
			if !slices.Equal(rows, []string{"1"}) || err != nil {
				t.Errorf("%q, %v", rows, err)
			}
			pending, err := f.Pending(context.Background(), db)
			if !slices.Equal(pending, []string{"0002_b.sql", "0003_c.sql"}) || err != nil {
				t.Errorf("%q, %v", pending, err)
			}
		})
	}
}

func TestLookingForPendingMigrationsChangesNothing(t *testing.T) {
	db := open(t)
	f := folder(t, map[string]string{"0001_a.sql": "nonsense"})
	if pending, err := f.Pending(context.Background(), db); len(pending) != 1 || err != nil {
		t.Error(pending, err)
	}
	if tables, err := texts(context.Background(), db, "SELECT name FROM sqlite_schema"); len(tables) != 0 || err != nil {
		t.Error(tables, err)
	}
	if err := (Folder{Dir: f.Dir + "/0001_a.sql", Table: "t"}).Apply(context.Background(), db, nil); err == nil {
		t.Error("a file was taken for a directory")
	}
}
