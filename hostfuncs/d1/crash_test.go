package d1

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
)

const (
	crashWriters = 8
	crashTable   = `CREATE TABLE IF NOT EXISTS t(name TEXT PRIMARY KEY, part INTEGER, padding TEXT) WITHOUT ROWID`
)

// writeUntilKilled writes rows that occur nowhere else, in batches of two, and prints each batch once it was acknowledged, with its bookmark.
func writeUntilKilled(dir, run string) {
	d, err := OpenDatabase(context.Background(), Options{Dir: dir, Relaxed: os.Getenv("PAGESRUN_TEST_CRASH_RELAXED") != ""}, "db")
	if err != nil {
		panic(err)
	}
	if _, err := d.Exec(context.Background(), &abi.D1ExecRequest{SQL: crashTable}); err != nil {
		panic(err)
	}
	lines := make(chan string)
	for w := range crashWriters {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%s-%d-%d", run, w, i)
				lines <- name + " " + writePair(d, name, i)
			}
		}()
	}
	for line := range lines {
		os.Stdout.WriteString(line + "\n")
	}
}

// writePair stores both halves of a name and gives the bookmark. Now and then another query fails beside it.
func writePair(d *Database, name string, i int) string {
	insert := func(part int) abi.D1Statement {
		return stmt("INSERT INTO t VALUES(?,?,?)", name+"/"+strconv.Itoa(part), part, strings.Repeat(name+" ", rand.IntN(100)))
	}
	if i%7 == 0 {
		d.Query(context.Background(), &abi.D1QueryRequest{Statements: []abi.D1Statement{insert(9), stmt("INSERT OR ROLLBACK INTO t SELECT * FROM t LIMIT 1")}})
	}
	r, err := d.Query(context.Background(), &abi.D1QueryRequest{Statements: []abi.D1Statement{insert(1), insert(2)}})
	if err != nil {
		panic(err)
	}
	return r.Bookmark
}

// TestNothingAcknowledgedIsLostWhenTheProcessIsKilled kills a writing process again and again. PAGESRUN_KILLS sets how
// often. That the test can fail was seen by printing names before their writes are acknowledged.
func TestNothingAcknowledgedIsLostWhenTheProcessIsKilled(t *testing.T) {
	kills := 10
	if n, err := strconv.Atoi(os.Getenv("PAGESRUN_KILLS")); err == nil {
		kills = n
	}
	dir := t.TempDir()
	total, newest := 0, ""
	for run := range kills {
		names, bookmarks := killedRun(t, dir, fmt.Sprint(run))
		total += len(names)
		for _, b := range bookmarks {
			if b <= newest {
				t.Fatalf("run %d: bookmark %s came after a run with %s", run, b, newest)
			}
		}
		for _, b := range bookmarks {
			newest = max(newest, b)
		}
		checkAcknowledged(t, dir, names)
	}
	t.Logf("%d acknowledged batches, %d kills", total, kills)
	if total == 0 {
		t.Error("nothing was ever acknowledged, so nothing was tested")
	}
	checkIntegrity(t, filepath.Join(dir, FileName("db")))
}

// killedRun lets a process write for a moment, kills it and gives what it had printed.
func killedRun(t *testing.T, dir, run string) (names, bookmarks []string) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "PAGESRUN_TEST_CRASH_DIR="+dir, "PAGESRUN_TEST_CRASH_RUN="+run)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(time.Duration(50+rand.IntN(300))*time.Millisecond, func() { child.Process.Kill() })
	defer timer.Stop()
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // a line without its end does not count
		}
		name, mark, _ := strings.Cut(strings.TrimSpace(line), " ")
		names, bookmarks = append(names, name), append(bookmarks, mark)
	}
	child.Wait()
	return names, bookmarks
}

// checkAcknowledged looks for both halves of every name, and for halves without the other.
func checkAcknowledged(t *testing.T, dir string, names []string) {
	t.Helper()
	p := openProbe(t, dir, "sync")
	defer p.close()
	p.mustExec(crashTable) // the process may have been killed before
	lost := 0
	for _, name := range names {
		if p.rows("SELECT count(*) FROM t WHERE name IN (?1||'/1', ?1||'/2')", name) != "2" {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d acknowledged batches are lost", lost, len(names))
	}
	if got := p.rows("SELECT count(*) FROM t WHERE part = 9"); got != "0" {
		t.Errorf("%s rows of batches that failed are there", got)
	}
	if got := p.rows("SELECT count(*) FROM (SELECT 1 FROM t GROUP BY substr(name, 1, length(name)-2) HAVING count(*) <> 2)"); got != "0" {
		t.Errorf("%s batches are there by half", got)
	}
}

// checkIntegrity asks SQLite itself.
func checkIntegrity(t *testing.T, path string) {
	t.Helper()
	c, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, _, err := c.Prepare(`PRAGMA integrity_check`)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !s.Step() || s.ColumnText(0) != "ok" {
		t.Errorf("integrity check: %q, %v", s.ColumnText(0), s.Err())
	}
}
