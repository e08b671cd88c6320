package d1

import (
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
)

var bookmarkShape = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$`)

// mark runs a statement in a session and gives the bookmark.
func (p *probe) mark(session, sql string) string {
	p.t.Helper()
	p.newEvent()
	var reply abi.D1QueryReply
	err := p.run(abi.OpD1Query, &abi.D1QueryRequest{Session: session, Statements: []abi.D1Statement{stmt(sql)}}, &reply)
	if err != nil {
		p.t.Fatalf("session %q: %v", session, err)
	}
	if !bookmarkShape.MatchString(reply.Bookmark) {
		p.t.Errorf("%q has not the shape of a bookmark", reply.Bookmark)
	}
	return reply.Bookmark
}

func TestBookmarksGrowWithEveryWrite(t *testing.T) {
	p := newProbe(t)
	before := p.mark("", "SELECT 1")
	for _, sql := range []string{"CREATE TABLE t(a)", "INSERT INTO t VALUES(1)", "UPDATE t SET a = 2", "DELETE FROM t", "DROP TABLE t", "CREATE TABLE t(a)"} {
		after := p.mark("", sql)
		if after <= before {
			t.Errorf("%s: %s after %s", sql, after, before)
		}
		for _, read := range []string{"SELECT 1", "PRAGMA table_info(t)", "SELECT changes()"} {
			if got := p.mark("", read); got != after {
				t.Errorf("%s: %s, the newest was %s", read, got, after)
			}
		}
		before = after
	}
	if _, err := p.query("INSERT INTO nope VALUES(1)"); err == nil || p.mark("", "SELECT 1") != before {
		t.Error("a query that failed moved the bookmark")
	}
}

func TestBookmarksGrowFromProcessToProcess(t *testing.T) {
	dir, newest := t.TempDir(), ""
	for i := range 4 {
		p := openProbe(t, dir, "sync")
		if i > 0 {
			if got := p.mark("", "SELECT 1"); got <= newest {
				t.Errorf("after opening again: %s, before it was %s", got, newest)
			}
		}
		if i == 2 {
			p.close()
			continue // one that only read
		}
		for range 3 {
			got := p.mark("", "CREATE TABLE IF NOT EXISTS t(a)")
			if got <= newest {
				t.Errorf("%s after %s", got, newest)
			}
			newest = got
		}
		p.close()
	}
}

func TestSessionsTakeAnyText(t *testing.T) {
	p := newProbe(t)
	now := p.mark("", "CREATE TABLE t(a)")
	for _, session := range []string{"", abi.D1FirstUnconstrained, abi.D1FirstPrimary, now, "00000000-00000000-00000000-00000000000000000000000000000000",
		"ffffffff-ffffffff-ffffffff-ffffffffffffffffffffffffffffffff", "nonsense", strings.Repeat("x", 1000)} {
		if got := p.mark(session, "SELECT 1"); got != now {
			t.Errorf("session %.40q: %s, want %s", session, got, now)
		}
	}
}

func TestBookmarksOfConcurrentWritesAreDistinctAndInOrder(t *testing.T) {
	d := newProbe(t).database()
	d.Exec(t.Context(), &abi.D1ExecRequest{SQL: "CREATE TABLE t(a)"})
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			last := ""
			for range 50 {
				r, err := d.Query(t.Context(), &abi.D1QueryRequest{Statements: []abi.D1Statement{stmt("INSERT INTO t VALUES(1)")}})
				if err != nil {
					t.Error(err)
					return
				}
				read, err := d.Query(t.Context(), &abi.D1QueryRequest{Statements: []abi.D1Statement{stmt("SELECT 1")}})
				if err != nil || r.Bookmark <= last || read.Bookmark < r.Bookmark {
					t.Errorf("%s, then written %s, then read %s, %v", last, r.Bookmark, read.Bookmark, err)
				}
				last = read.Bookmark
				mu.Lock()
				if seen[r.Bookmark] {
					t.Errorf("%s was given twice", r.Bookmark)
				}
				seen[r.Bookmark] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestPositionsAreWrittenInOrder(t *testing.T) {
	list := []position{{0, 0}, {0, 1}, {0, 1<<32 - 1}, {0, 1 << 32}, {0, 1<<64 - 1}, {1, 0}, {1, 7}, {1 << 31, 0}, {1<<32 - 1, 5}}
	for i := range list[1:] {
		a, b := list[i], list[i+1]
		if !a.less(b) || b.less(a) || a.text() >= b.text() {
			t.Errorf("%v %s and %v %s are not in order", a, a.text(), b, b.text())
		}
	}
}
