package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
)

var testMigrations = []string{`CREATE TABLE pairs (k TEXT PRIMARY KEY, v BLOB)`}

// testDB opens a new file, or the one at path, and closes it after the test.
func testDB(t testing.TB, o Options) *DB {
	t.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(t.TempDir(), "test.sqlite")
	}
	if o.Migrations == nil {
		o.Migrations = testMigrations
	}
	db, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// set is a write of one pair.
func set(k string, v []byte) func(*Conn) error {
	return func(c *Conn) error {
		s, err := c.Stmt(`REPLACE INTO pairs (k, v) VALUES (?, ?)`)
		if err != nil {
			return err
		}
		s.BindText(1, k)
		s.BindBlob(2, v)
		return s.Exec()
	}
}

// remove is a write that removes one pair.
func remove(k string) func(*Conn) error {
	return func(c *Conn) error {
		s, err := c.Stmt(`DELETE FROM pairs WHERE k = ?`)
		if err != nil {
			return err
		}
		s.BindText(1, k)
		return s.Exec()
	}
}

func put(db *DB, k string, v []byte) error {
	return db.Write(context.Background(), len(v), set(k, v))
}

// count counts the pairs.
func count(t testing.TB, db *DB) (n int64) {
	t.Helper()
	err := db.Read(context.Background(), func(c *Conn) (err error) {
		n, err = c.Int(`SELECT count(*) FROM pairs`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func checkIntegrity(t testing.TB, db *DB) {
	t.Helper()
	err := db.Read(context.Background(), func(c *Conn) error {
		result, err := c.text(`PRAGMA integrity_check`)
		if err == nil && result != "ok" {
			err = errors.New(result)
		}
		return err
	})
	if err != nil {
		t.Fatalf("integrity check: %v", err)
	}
}

func TestVersionsCompareAsNumbers(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		older bool
	}{
		{"3.51.2", "3.51.3", true},
		{"3.51.3", "3.51.3", false},
		{"3.9.9", "3.51.3", true},
		{"3.53.0", "3.51.3", false},
		{"4", "3.51.3", false},
		{"3.51", "3.51.3", true},
		{"", "3.51.3", true},
	} {
		if got := olderThan(c.a, c.b); got != c.older {
			t.Errorf("olderThan(%q, %q) = %v", c.a, c.b, got)
		}
	}
}

func TestEveryReaderSeesAnAcknowledgedWrite(t *testing.T) {
	db := testDB(t, Options{})
	for i := range 100 {
		if err := put(db, fmt.Sprint(i), []byte("v")); err != nil {
			t.Fatal(err)
		}
		if got := count(t, db); got != int64(i+1) {
			t.Fatalf("after %d writes a reader sees %d", i+1, got)
		}
	}
}

func TestWritersThatWaitShareOneCommit(t *testing.T) {
	db := testDB(t, Options{})
	var commits atomic.Int32
	db.writer.conn.CommitHook(func() bool { commits.Add(1); return true })
	begun, release := make(chan struct{}), make(chan struct{})
	go db.Write(context.Background(), 0, func(*Conn) error { close(begun); <-release; return nil })
	<-begun
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			if err := put(db, fmt.Sprint(i), nil); err != nil {
				t.Error(err)
			}
		})
	}
	waitFor(t, func() bool { return len(db.writer.queue) == 100 })
	close(release)
	wg.Wait()
	if got := commits.Load(); got > 2 {
		t.Errorf("100 waiting writes took %d commits, want at most 2", got)
	}
	if got := count(t, db); got != 100 {
		t.Errorf("%d pairs stored, want 100", got)
	}
}

// waitFor waits until ok holds.
func waitFor(t testing.TB, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited too long")
		}
	}
}

func TestAFailingWriteUndoesOnlyItself(t *testing.T) {
	db := testDB(t, Options{})
	boom := errors.New("boom")
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			err := db.Write(context.Background(), 0, func(c *Conn) error {
				if err := set(fmt.Sprint(i), nil)(c); err != nil {
					return err
				}
				if i%2 == 1 {
					return boom
				}
				return nil
			})
			if want := i%2 == 1; errors.Is(err, boom) != want {
				t.Errorf("write %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if got := count(t, db); got != 25 {
		t.Errorf("%d pairs stored, want 25", got)
	}
}

func TestAPanicFailsItsWriteAndNothingElse(t *testing.T) {
	db := testDB(t, Options{})
	err := db.Write(t.Context(), 0, func(*Conn) error { panic("oh") })
	if err == nil || !strings.Contains(err.Error(), "panic") {
		t.Fatalf("got %v", err)
	}
	if err := put(db, "a", nil); err != nil {
		t.Fatal(err)
	}
	err = db.Read(t.Context(), func(*Conn) error { panic("oh") })
	if err == nil || !strings.Contains(err.Error(), "panic") {
		t.Fatalf("got %v", err)
	}
	if got := count(t, db); got != 1 {
		t.Errorf("%d pairs stored, want 1", got)
	}
}

func TestACanceledWriteThatHasNotBegunDoesNothing(t *testing.T) {
	db := testDB(t, Options{})
	begun, release := make(chan struct{}), make(chan struct{})
	go db.Write(context.Background(), 0, func(*Conn) error { close(begun); <-release; return nil })
	<-begun
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error)
	go func() { failed <- db.Write(ctx, 0, set("late", nil)) }()
	waitFor(t, func() bool { return len(db.writer.queue) == 1 })
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(release)
	if err := put(db, "other", nil); err != nil {
		t.Fatal(err)
	}
	if got := count(t, db); got != 1 {
		t.Errorf("%d pairs stored, want only the other", got)
	}
}

func TestALongQueryEndsWithItsContext(t *testing.T) {
	db := testDB(t, Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := db.Read(ctx, func(c *Conn) error {
		_, err := c.Int(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n`)
		return err
	})
	if !errors.Is(err, sqlite3.INTERRUPT) || time.Since(start) > 5*time.Second {
		t.Errorf("got %v after %v", err, time.Since(start))
	}
	if !errors.Is(db.Public(err), abi.CodeCanceled) {
		t.Errorf("public error is %v", db.Public(err))
	}
}

func TestReadersWaitForAFreeConnection(t *testing.T) {
	db := testDB(t, Options{Readers: 2})
	begun, release := make(chan struct{}, 2), make(chan struct{})
	for range 2 {
		go db.Read(context.Background(), func(*Conn) error { begun <- struct{}{}; <-release; return nil })
		<-begun
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := db.Read(ctx, func(*Conn) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a third reader got %v", err)
	}
	third := make(chan error)
	go func() { third <- db.Read(context.Background(), func(*Conn) error { return nil }) }()
	close(release)
	if err := <-third; err != nil {
		t.Error(err)
	}
	if db.readers.open > 2 {
		t.Errorf("%d connections open, want at most 2", db.readers.open)
	}
}

func TestReadersCannotWrite(t *testing.T) {
	db := testDB(t, Options{})
	if err := db.Read(t.Context(), set("a", nil)); !errors.Is(err, sqlite3.READONLY) {
		t.Errorf("got %v", err)
	}
}

func TestAFileFromANewerVersionIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.sqlite")
	testDB(t, Options{Path: path, Migrations: append(testMigrations, `CREATE TABLE later (x)`)}).Close()
	_, err := Open(t.Context(), Options{Path: path, Migrations: testMigrations})
	if err == nil || !strings.Contains(err.Error(), "written by a newer one") {
		t.Errorf("got %v", err)
	}
}

func TestAnOldFileIsMigratedAndKeepsItsContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.sqlite")
	db := testDB(t, Options{Path: path})
	if err := put(db, "a", nil); err != nil {
		t.Fatal(err)
	}
	db.Close()
	db = testDB(t, Options{Path: path, Migrations: append(testMigrations, `ALTER TABLE pairs ADD COLUMN w`)})
	if got := count(t, db); got != 1 {
		t.Errorf("%d pairs after migrating, want 1", got)
	}
}

func TestAFailedMigrationChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.sqlite")
	testDB(t, Options{Path: path}).Close()
	bad := append(testMigrations, `CREATE TABLE half (x); CREATE TABLE pairs (x)`)
	if _, err := Open(t.Context(), Options{Path: path, Migrations: bad}); err == nil {
		t.Fatal("a broken migration was accepted")
	}
	testDB(t, Options{Path: path, Migrations: append(testMigrations, `CREATE TABLE half (x)`)})
}

func TestPathsMayHoldAnyCharacter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d%20é.sqlite")
	db := testDB(t, Options{Path: path})
	if err := put(db, "a", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestManyMayOpenANewFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.sqlite")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			db, err := Open(t.Context(), Options{Path: path, Migrations: testMigrations})
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if err := put(db, fmt.Sprint(i), nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	db := testDB(t, Options{Path: path})
	if got := count(t, db); got != 8 {
		t.Errorf("%d pairs stored, want 8", got)
	}
	checkIntegrity(t, db)
}

func TestAFlippedBitIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.sqlite")
	db := testDB(t, Options{Path: path})
	for i := range 200 {
		if err := put(db, fmt.Sprint(i), []byte(strings.Repeat("v", 1000))); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	flipBit(t, path, 100_000)
	db = testDB(t, Options{Path: path})
	err := db.Read(t.Context(), func(c *Conn) error {
		_, err := c.Int(`SELECT sum(length(CAST(v AS TEXT))) FROM pairs`)
		return err
	})
	if !errors.Is(err, sqlite3.IOERR_DATA) {
		t.Errorf("reading altered data gave %v", err)
	}
	if !errors.Is(db.Public(err), abi.CodeStorageFailed) {
		t.Errorf("public error is %v", db.Public(err))
	}
}

func flipBit(t *testing.T, path string, offset int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, offset); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b, offset); err != nil {
		t.Fatal(err)
	}
}

func TestTheLogIsMovedIntoTheFileUnderLoad(t *testing.T) {
	db := testDB(t, Options{Relaxed: true})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				count(t, db)
			}
		}
	})
	value := make([]byte, 100_000)
	for i := range 1000 {
		if err := put(db, fmt.Sprint(i%10), value); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	info, err := os.Stat(db.Path() + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if limit := int64(2 * restartPages * 4096); info.Size() > limit {
		t.Errorf("the log grew to %d bytes, want at most %d", info.Size(), limit)
	}
}

func TestClosingFinishesQueuedWritesAndRefusesLaterOnes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.sqlite")
	db := testDB(t, Options{Path: path})
	var acknowledged atomic.Int64
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			switch err := put(db, fmt.Sprint(i), nil); {
			case err == nil:
				acknowledged.Add(1)
			case !errors.Is(err, ErrClosed):
				t.Error(err)
			}
		})
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if err := db.Read(t.Context(), func(*Conn) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("reading a closed database gave %v", err)
	}
	if err := db.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("closing twice gave %v", err)
	}
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Error("the log was not folded into the file")
	}
	if got := count(t, testDB(t, Options{Path: path})); got != acknowledged.Load() {
		t.Errorf("%d pairs stored, %d acknowledged", got, acknowledged.Load())
	}
}

// TestMain runs the other process of tests with two.
func TestMain(m *testing.M) {
	if path := os.Getenv("PAGESRUN_TEST_WRITE_TO"); path != "" {
		writeMany(path, "child")
		return
	}
	if path := os.Getenv("PAGESRUN_TEST_ANNOUNCE_TO"); path != "" {
		announce(path)
		return
	}
	os.Exit(m.Run())
}

func writeMany(path, name string) {
	db, err := Open(context.Background(), Options{Path: path, Migrations: testMigrations})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 100 {
				if err := put(db, fmt.Sprintf("%s-%d-%d", name, i, j), nil); err != nil {
					panic(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestTwoProcessesMayWriteAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.sqlite")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "PAGESRUN_TEST_WRITE_TO="+path)
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	writeMany(path, "parent")
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	db := testDB(t, Options{Path: path})
	if got := count(t, db); got != 800 {
		t.Errorf("%d pairs stored, want 800", got)
	}
	checkIntegrity(t, db)
}
