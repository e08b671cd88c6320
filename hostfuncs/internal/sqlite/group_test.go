package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// together queues writes so that they all wait at once, in their order, and gives the error of each.
func together(t *testing.T, db *DB, writes ...*write) []error {
	t.Helper()
	blocked, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		db.Write(context.Background(), 0, func(*Conn) error {
			close(blocked)
			<-release
			return nil
		})
	})
	<-blocked
	errs := make([]error, len(writes))
	for i, w := range writes {
		wg.Go(func() { errs[i] = db.writer.do(context.Background(), w) })
		waitFor(t, func() bool { return len(db.writer.queue) == i+1 })
	}
	close(release)
	wg.Wait()
	return errs
}

// end is a write that ends the whole transaction.
func end(c *Conn) error {
	if err := c.Exec(`REPLACE INTO pairs (k) VALUES ('ended')`); err != nil {
		return err
	}
	return c.Exec(`INSERT OR ROLLBACK INTO pairs (k) VALUES ('ended')`)
}

func TestWhoEndsASharedTransactionIsAloneToBlame(t *testing.T) {
	db := testDB(t, Options{})
	runs := make([]int, 6)
	var writes []*write
	for i := range runs {
		fn := set(fmt.Sprint(i), nil)
		if i == 1 || i == 4 {
			fn = end
		}
		writes = append(writes, &write{fn: func(c *Conn) error {
			runs[i]++
			return fn(c)
		}})
	}
	for i, err := range together(t, db, writes...) {
		if i == 1 || i == 4 {
			if !errors.Is(err, sqlite3.CONSTRAINT) {
				t.Errorf("write %d: %v", i, err)
			}
		} else if err != nil {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if runs[1] != 1 || runs[4] != 1 {
		t.Errorf("those who ended the transaction ran %d and %d times", runs[1], runs[4])
	}
	if n := count(t, db); n != 4 {
		t.Errorf("%d pairs are there, not 4", n)
	}
	if err := db.Write(t.Context(), 0, end); !errors.Is(err, sqlite3.CONSTRAINT) {
		t.Errorf("alone: %v", err)
	}
}

func TestAWriteThatRunsOnceSharesWithNobody(t *testing.T) {
	db := testDB(t, Options{})
	once, others := 0, 0
	commits := 0
	db.writer.conn.CommitHook(func() bool { commits++; return true })
	other := func(k string) *write {
		return &write{fn: func(c *Conn) error {
			others++
			return set(k, nil)(c)
		}}
	}
	errs := together(t, db, other("a"), &write{once: true, fn: func(c *Conn) error {
		once++
		return set("b", nil)(c)
	}}, other("c"), &write{fn: end}, &write{once: true, fn: end}, &write{once: true, fn: func(*Conn) error { return sqlite3.FULL }})
	for i, want := range []error{nil, nil, nil, sqlite3.CONSTRAINT, sqlite3.CONSTRAINT, sqlite3.FULL} {
		if !errors.Is(errs[i], want) {
			t.Errorf("write %d: %v, want %v", i, errs[i], want)
		}
	}
	if once != 1 || others != 3 { // "c" ran again, without the one that ended its transaction
		t.Errorf("the one ran %d times, the others %d", once, others)
	}
	if n := count(t, db); n != 3 {
		t.Errorf("%d pairs are there, not 3", n)
	}
	if commits != 4 { // the one that blocked, a, b, c
		t.Errorf("%d commits", commits)
	}
}

func TestEveryConnectionIsSetUp(t *testing.T) {
	var mu sync.Mutex
	n := 0
	db := testDB(t, Options{Readers: 2, Setup: func(c *Conn) error {
		mu.Lock()
		defer mu.Unlock()
		n++
		c.State = n
		return nil
	}})
	seen := func(do func(func(*Conn) error) error) (state int) {
		if err := do(func(c *Conn) error { state = c.State.(int); return nil }); err != nil {
			t.Fatal(err)
		}
		return state
	}
	write := func(fn func(*Conn) error) error { return db.Write(t.Context(), 0, fn) }
	read := func(fn func(*Conn) error) error { return db.Read(t.Context(), fn) }
	if a, b := seen(write), seen(read); a != 1 || b != 2 {
		t.Errorf("writer %d, reader %d", a, b)
	}
	if err := db.Write(t.Context(), 0, func(*Conn) error { panic("broken") }); err == nil {
		t.Error("a panic is no error")
	}
	if got := seen(write); got <= 2 {
		t.Errorf("the connection that replaced a broken one has state %d", got)
	}
	failing := errors.New("no")
	if _, err := Open(t.Context(), Options{Path: t.TempDir() + "/x", Setup: func(*Conn) error { return failing }}); !errors.Is(err, failing) {
		t.Error(err)
	}
}

func TestSeenChangesWithEveryCommit(t *testing.T) {
	db := testDB(t, Options{Readers: 1})
	look := func() (v Version) {
		err := db.Read(t.Context(), func(c *Conn) error {
			var known bool
			if v, known = c.Seen(); !known {
				t.Skip("the index of the log cannot be looked at here")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	before := look()
	for range 5 {
		if got := look(); got != before {
			t.Error("it changed though nothing was written")
		}
		if err := put(db, "a", []byte(time.Now().String())); err != nil {
			t.Fatal(err)
		}
		after := look()
		if after == before {
			t.Error("it is the same after a write")
		}
		before = after
	}
}

func TestMemoryIsBounded(t *testing.T) {
	db := testDB(t, Options{Memory: 8 << 20})
	err := db.Read(t.Context(), func(c *Conn) error {
		s, _, err := c.Prepare(`SELECT length(zeroblob(20000000) || 'x')`)
		if err != nil {
			return err
		}
		defer s.Close()
		s.Step()
		return s.Err()
	})
	if err == nil {
		t.Error("20 MB fit into 8")
	}
	if err := put(db, "a", nil); err != nil || count(t, db) != 1 {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAConnectionThatIsRetiredIsReplaced(t *testing.T) {
	db := testDB(t, Options{Readers: 1})
	var first *Conn
	retire := func(c *Conn) error {
		first = c
		c.Retire()
		return nil
	}
	for name, do := range map[string]func(func(*Conn) error) error{
		"the writer": func(fn func(*Conn) error) error { return db.Write(t.Context(), 0, fn) },
		"a reader":   func(fn func(*Conn) error) error { return db.Read(t.Context(), fn) },
	} {
		if err := do(retire); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := do(func(c *Conn) error {
			if c == first {
				t.Errorf("%s is still there", name)
			}
			return nil
		}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := db.Write(t.Context(), 0, func(c *Conn) error {
		c.Retire()
		return set("a", nil)(c)
	}); err != nil || count(t, db) != 1 {
		t.Errorf("what a retired connection wrote: %v", err)
	}
	db.Write(t.Context(), 0, retire)
	if err := db.Close(); err != nil {
		t.Error("closing with a retired connection:", err)
	}
}
