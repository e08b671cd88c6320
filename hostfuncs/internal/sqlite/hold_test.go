package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

// heldCount is how many idle connections hold a transaction.
func heldCount(db *DB) (n int) {
	db.readers.mu.Lock()
	defer db.readers.mu.Unlock()
	for _, c := range db.readers.idle {
		if c.held {
			n++
		}
	}
	return n
}

// needHolding skips where transactions are never held.
func needHolding(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux looks at the index of the log")
	}
}

func TestReadsThatFindNothingNewShareATransaction(t *testing.T) {
	needHolding(t)
	db := testDB(t, Options{})
	for i, want := range []int{0, 1, 1} {
		if count(t, db); heldCount(db) != want {
			t.Errorf("after %d reads %d transactions are held, want %d", i+1, heldCount(db), want)
		}
	}
	if err := put(db, "a", nil); err != nil {
		t.Fatal(err)
	}
	if got := count(t, db); got != 1 || heldCount(db) != 0 {
		t.Errorf("after a write %d pairs are seen and %d transactions are held, want 1 and 0", got, heldCount(db))
	}
}

func TestIdleConnectionsLetGo(t *testing.T) {
	needHolding(t)
	db := testDB(t, Options{})
	count(t, db)
	count(t, db)
	if heldCount(db) != 1 {
		t.Fatal("no transaction is held")
	}
	waitFor(t, func() bool { return heldCount(db) == 0 })
	waitFor(t, func() bool { db.readers.mu.Lock(); defer db.readers.mu.Unlock(); return !db.readers.ticking })
	count(t, db)
	if heldCount(db) != 1 {
		t.Error("and none is held again")
	}
}

func TestAnErrorEndsAHeldTransaction(t *testing.T) {
	db := testDB(t, Options{})
	count(t, db)
	count(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := db.Read(ctx, func(c *Conn) error {
		_, err := c.Int(`SELECT count(*) FROM pairs`)
		return err
	})
	if err == nil || heldCount(db) != 0 {
		t.Errorf("%v, %d transactions are held", err, heldCount(db))
	}
	if err := put(db, "a", nil); err != nil {
		t.Fatal(err)
	}
	if got := count(t, db); got != 1 {
		t.Errorf("%d pairs are seen, want 1", got)
	}
}

func TestASnapshotIsOneStateHeldOrNot(t *testing.T) {
	db := testDB(t, Options{})
	for range 5 {
		err := db.Read(t.Context(), func(c *Conn) error {
			return c.Snapshot(func() error {
				before, err := c.Int(`SELECT count(*) FROM pairs`)
				if err != nil {
					return err
				}
				if err := put(db, fmt.Sprint(before), nil); err != nil {
					return err
				}
				after, err := c.Int(`SELECT count(*) FROM pairs`)
				if before != after {
					t.Errorf("%d pairs became %d", before, after)
				}
				return err
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		count(t, db)
		count(t, db)
	}
	if got := count(t, db); got != 5 {
		t.Errorf("%d pairs, want 5", got)
	}
}

func TestManyReadersSeeEveryAcknowledgedWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.sqlite")
	writing := testDB(t, Options{Path: path, Relaxed: true, checkpointPages: 20})
	reading := testDB(t, Options{Path: path})
	var acknowledged int64
	var mu sync.RWMutex
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 4 {
		db := []*DB{writing, reading}[i%2]
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				mu.RLock()
				least := acknowledged
				mu.RUnlock()
				if got := count(t, db); got < least {
					t.Errorf("%d pairs are seen, %d were acknowledged before", got, least)
				}
			}
		})
	}
	for i := range 500 {
		if err := put(writing, fmt.Sprint(i), nil); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		acknowledged++
		mu.Unlock()
		if i%10 == 0 {
			time.Sleep(time.Millisecond) // lets readers hold transactions
		}
	}
	close(stop)
	wg.Wait()
}

// announce writes a pair for every line it is sent, and answers when it is acknowledged.
func announce(path string) {
	db, err := Open(context.Background(), Options{Path: path, Migrations: testMigrations, checkpointPages: 20})
	if err != nil {
		panic(err)
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := put(db, lines.Text(), nil); err != nil {
			panic(err)
		}
		fmt.Println(lines.Text())
	}
	db.Close()
}

func TestWritesOfAnotherProcessAreSeenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.sqlite")
	db := testDB(t, Options{Path: path})
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "PAGESRUN_TEST_ANNOUNCE_TO="+path)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for i := range 300 {
		for range 3 {
			count(t, db) // so that a transaction is held
		}
		fmt.Fprintln(in, i)
		if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintln(i) {
			t.Fatalf("%q, %v", line, err)
		}
		if got := count(t, db); got != int64(i+1) {
			t.Fatalf("after %d writes of the other process %d are seen", i+1, got)
		}
	}
	in.Close()
	io.Copy(io.Discard, out)
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
}
