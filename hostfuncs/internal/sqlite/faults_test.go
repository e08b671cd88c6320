package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/vfs"
)

// faultDisk is a disk of a test: it can fail once, and it can lose power, which undoes what was not synced. SQLite's shared memory
// is not its business: it does not survive a restart anyway.
type faultDisk struct {
	diskVFS

	mu     sync.Mutex
	fail   string // "write", "sync" or "truncate": the kind of call that fails
	after  int    // how many of those succeed before
	err    error
	failed bool
	off    bool // the power is off: nothing has an effect any more
	log    map[string][]change
}

// change is one change of a file that was not synced yet.
type change struct {
	offset   int64
	old, new []byte
	oldSize  int64
	newSize  int64
}

var faultDisks int

// newFaultDisk makes a disk and gives the name of its virtual file system.
func newFaultDisk(t testing.TB) (*faultDisk, string) {
	registerVFS()
	d := &faultDisk{diskVFS: vfs.Find(vfsName).(diskVFS), log: map[string][]change{}}
	faultDisks++
	name := fmt.Sprintf("fault%d", faultDisks)
	vfs.Register(name, d)
	t.Cleanup(func() { vfs.Unregister(name) })
	return d, name
}

var errPowerOff = errors.New("the power is off")

// hit says whether a call of this kind must fail. The caller holds mu.
func (d *faultDisk) hit(kind string) error {
	if d.off {
		return errPowerOff
	}
	if kind != d.fail || d.failed {
		return nil
	}
	if d.after--; d.after >= 0 {
		return nil
	}
	d.failed = true
	return fullError(&os.PathError{Op: kind, Path: "injected", Err: d.err})
}

// OpenFilename opens a file of the disk.
func (d *faultDisk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := d.diskVFS.OpenFilename(name, flags)
	if err != nil {
		return nil, flags, err
	}
	return &faultFile{diskFile: f.(*diskFile), disk: d, path: name.String()}, flags, nil
}

// Delete deletes a file unless the power is off.
func (d *faultDisk) Delete(path string, syncDir bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return errPowerOff
	}
	delete(d.log, path)
	return d.diskVFS.Delete(path, syncDir)
}

// faultFile is a file of a [faultDisk].
type faultFile struct {
	*diskFile
	disk *faultDisk
	path string
}

// WriteAt writes, or fails.
func (f *faultFile) WriteAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.hit("write"); err != nil {
		return 0, err
	}
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	old := make([]byte, len(p))
	n, _ := f.ReadAt(old, off)
	f.note(change{offset: off, old: old[:n], new: append([]byte(nil), p...), oldSize: size, newSize: max(size, off+int64(len(p)))})
	return f.diskFile.WriteAt(p, off)
}

// Truncate changes the size, or fails.
func (f *faultFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.hit("truncate"); err != nil {
		return err
	}
	was, err := f.Size()
	if err != nil {
		return err
	}
	var old []byte
	if was > size {
		old = make([]byte, was-size)
		if _, err := f.ReadAt(old, size); err != nil && err != io.EOF {
			return err
		}
	}
	f.note(change{offset: size, old: old, oldSize: was, newSize: size})
	return f.diskFile.Truncate(size)
}

// Sync makes all changes of the file final, or fails.
func (f *faultFile) Sync(flags vfs.SyncFlag) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.hit("sync"); err != nil {
		return err
	}
	delete(f.disk.log, f.path)
	return f.diskFile.Sync(flags)
}

func (f *faultFile) note(c change) { f.disk.log[f.path] = append(f.disk.log[f.path], c) }

// powerOff pulls the plug.
func (d *faultDisk) powerOff() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
}

// lose undoes what was not synced; keep says which of those changes reached the disk all the same.
func (d *faultDisk) lose(t testing.TB, keep func() bool) {
	t.Helper()
	for path, changes := range d.log {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := len(changes) - 1; i >= 0; i-- {
			c := changes[i]
			f.WriteAt(c.old, c.offset)
			f.Truncate(c.oldSize)
		}
		for _, c := range changes {
			if !keep() {
				continue
			}
			if len(c.new) > 0 {
				f.WriteAt(c.new, c.offset)
			} else {
				f.Truncate(c.newSize)
			}
		}
		f.Close()
	}
}

// powerLoss writes until the plug is pulled and gives how many acknowledged writes there were and how many of them are
// lost after a restart.
func powerLoss(t *testing.T, relaxed bool, keep func() bool) (acknowledged, lost int) {
	t.Helper()
	disk, name := newFaultDisk(t)
	path := filepath.Join(t.TempDir(), "test.sqlite")
	o := Options{Path: path, Migrations: testMigrations, Relaxed: relaxed, vfs: name, checkpointPages: 50}
	db, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	keys := writeUntil(db, func() {
		time.Sleep(time.Duration(5+rand.IntN(100)) * time.Millisecond)
		disk.powerOff()
	})
	db.Close()
	disk.lose(t, keep)
	os.Remove(path + "-shm")
	db = testDB(t, Options{Path: path})
	defer db.Close()
	checkIntegrity(t, db)
	for _, key := range keys {
		if value, found := get(t, db, key); !found || value != strings.Repeat(key, 40) {
			lost++
		}
	}
	return len(keys), lost
}

// writeUntil writes values that occur nowhere else until end has returned and writes fail; it gives the acknowledged keys.
func writeUntil(db *DB, end func()) (acknowledged []string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d-%d ", w, i)
				if err := put(db, key, []byte(strings.Repeat(key, 40))); err != nil {
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, key)
				mu.Unlock()
			}
		})
	}
	end()
	wg.Wait()
	return acknowledged
}

// get reads one pair.
func get(t testing.TB, db *DB, key string) (value string, found bool) {
	t.Helper()
	err := db.Read(context.Background(), func(c *Conn) error {
		s, err := c.Stmt(`SELECT v FROM pairs WHERE k = ?`)
		if err != nil {
			return err
		}
		s.BindText(1, key)
		if found = s.Step(); found {
			value = string(s.ColumnRawBlob(0))
		}
		return errors.Join(s.Err(), s.Reset())
	})
	if err != nil {
		t.Fatal(err)
	}
	return value, found
}

// plugs is how often a test pulls the plug; PAGESRUN_PLUGS sets it.
func plugs() int {
	if n, err := strconv.Atoi(os.Getenv("PAGESRUN_PLUGS")); err == nil {
		return n
	}
	return 5
}

func TestNothingAcknowledgedIsLostWithThePower(t *testing.T) {
	for name, keep := range map[string]func() bool{
		"nothing that was not synced reached the disk": func() bool { return false },
		"a part of it did, in any order":               func() bool { return rand.IntN(2) == 0 },
	} {
		t.Run(name, func(t *testing.T) {
			total := 0
			for range plugs() {
				acknowledged, lost := powerLoss(t, false, keep)
				if total += acknowledged; lost > 0 {
					t.Errorf("%d of %d acknowledged writes are lost", lost, acknowledged)
				}
			}
			t.Logf("%d acknowledged writes", total)
		})
	}
}

// TestRelaxedLosesWithThePower shows that the test above can fail: with durability "relaxed" it would.
func TestRelaxedLosesWithThePower(t *testing.T) {
	lost := 0
	for range plugs() {
		_, n := powerLoss(t, true, func() bool { return false })
		lost += n
	}
	if lost == 0 {
		t.Error("nothing was lost, so losing is not noticed")
	}
}

// TestOneFailureOfTheDisk lets each call to the disk fail in turn: nothing acknowledged may be lost, nothing may break for good.
// PAGESRUN_ALL_FAULTS tries every call rather than some.
func TestOneFailureOfTheDisk(t *testing.T) {
	stride := 67
	if os.Getenv("PAGESRUN_ALL_FAULTS") != "" {
		stride = 1
	}
	for _, kind := range []string{"write", "sync", "truncate"} {
		for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
			t.Run(fmt.Sprintf("%s %v", kind, cause), func(t *testing.T) {
				runs, stride := 0, stride
				if kind != "write" {
					stride = min(stride, 9) // there are fewer of them
				}
				for n := rand.IntN(stride); failOnce(t, kind, n, cause); n += stride {
					runs++
				}
				t.Logf("%d runs", runs)
			})
		}
	}
}

// failOnce runs a script on a disk that fails once; false when the script ended before.
func failOnce(t *testing.T, kind string, after int, cause error) bool {
	t.Helper()
	disk, name := newFaultDisk(t)
	path := filepath.Join(t.TempDir(), "test.sqlite")
	disk.fail, disk.after, disk.err = kind, after, cause
	db, err := Open(t.Context(), Options{Path: path, Migrations: testMigrations, vfs: name, checkpointPages: 10})
	if err != nil {
		if !disk.failed {
			t.Fatalf("%s %d: cannot open though nothing failed: %v", kind, after, err)
		}
		testDB(t, Options{Path: path}).Close() // and opens when the disk is well again
		return true
	}
	may := script(t, db, disk)
	db.Close()
	db = testDB(t, Options{Path: path})
	checkIntegrity(t, db)
	for key, values := range may {
		if got, _ := get(t, db, key); !values[got] {
			t.Errorf("%s %d: %q is %d bytes of %.10q, which it was never told to be", kind, after, key, len(got), got)
		}
	}
	db.Close()
	return disk.failed
}

// script writes and deletes some keys and gives the values each may have afterwards: that of the last acknowledged write, or
// of one that failed after it. An absent key counts as an empty value.
func script(t *testing.T, db *DB, disk *faultDisk) map[string]map[string]bool {
	t.Helper()
	may := map[string]map[string]bool{}
	for i := range 50 {
		key := fmt.Sprint(i % 7)
		value := strings.Repeat(fmt.Sprint(i, " "), 1+i*i)
		write := set(key, []byte(value))
		if i%5 == 4 {
			value, write = "", remove(key)
		}
		err := db.Write(context.Background(), len(value), write)
		if err == nil {
			may[key] = map[string]bool{value: true}
			continue
		}
		if !disk.failed {
			t.Fatalf("step %d failed though the disk did not: %v", i, err)
		}
		if may[key] == nil {
			may[key] = map[string]bool{"": true}
		}
		may[key][value] = true
	}
	if err := put(db, "last", []byte("last")); err != nil {
		t.Errorf("writing does not work again: %v", err)
	}
	may["last"] = map[string]bool{"last": true}
	return may
}
