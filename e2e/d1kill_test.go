package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// d1Write stores a value under a key, or deletes the key where value is empty, and notes in the same transaction that it did.
func d1Write(key, value, note string) ask {
	change := sql("INSERT INTO t VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v", key, value)
	if value == "" {
		change = sql("DELETE FROM t WHERE k = ?", key)
	}
	return batch(change, sql("INSERT INTO note VALUES (?)", note))
}

// writeD1 is [ledger.write] with a database. Every write has a note of its own, which is in the ledger too.
func (l *ledger) writeD1(site string, round, client int) (acknowledged int) {
	for i := 0; ; i++ {
		note := fmt.Sprintf("%d.%d.%d", round, client, i)
		key, value := fmt.Sprintf("r%d-c%d-%d", round, client, i), note+":"+strings.Repeat("v", rand.IntN(900))
		switch {
		case i%7 == 3:
			key = fmt.Sprintf("r%d-c%d-%d", round, client, rand.IntN(i))
		case i%7 == 5:
			key, value = fmt.Sprintf("r%d-c%d-%d", round, client, rand.IntN(i)), ""
		}
		l.send(key, value)
		_, answer, err := d1Write(key, value, note).try(site, "DB")
		if err != nil || costLine.ReplaceAllString(answer, "") != nothing+nothing {
			return acknowledged
		}
		l.ack(key, value)
		l.ack("note "+note, note)
		acknowledged++
	}
}

// d1Reader reads values and notes; what is missing reads as empty.
func d1Reader(site string) func(key string) (string, error) {
	return func(key string) (string, error) {
		a := sql("SELECT v FROM t WHERE k = ?", key)
		if note, ok := strings.CutPrefix(key, "note "); ok {
			a = sql("SELECT n AS v FROM note WHERE n = ?", note)
		}
		_, answer, err := a.as("d1.first", "column", "v").try(site, "DB")
		switch value, ok := strings.CutPrefix(strings.TrimSuffix(answer, "\n"), "t:"); {
		case err != nil:
			return "", err
		case ok:
			return value, nil
		case answer == missing:
			return "", nil
		}
		return "", fmt.Errorf("answer %q", answer)
	}
}

func TestKillNeverLosesAnAcknowledgedD1Write(t *testing.T) {
	t.Parallel()
	dir, l := t.TempDir(), newLedger()
	serve := func() *process.Server {
		return start(t, dir, "serve", cProbe.path(t), "--port", "0", "--admin", "off", "--d1", "DB", "--log-level", "error")
	}
	s := serve()
	wantStripped(t, s, batch(sql("CREATE TABLE t (k TEXT PRIMARY KEY, v TEXT NOT NULL UNIQUE)"), sql("CREATE TABLE note (n TEXT PRIMARY KEY)")), nothing+nothing)
	acknowledged := 0
	for round := range kills(t) {
		counts := make(chan int, writers)
		for client := range writers {
			go func() { counts <- l.writeD1(s.URL, round, client) }()
		}
		time.Sleep(time.Duration(100+rand.IntN(300)) * time.Millisecond)
		s.Kill()
		for range writers {
			acknowledged += <-counts
		}
		if s = serve(); acknowledged == 0 {
			t.Fatalf("nothing was acknowledged:\n%s", s.Log())
		}
		if round%10 == 9 {
			report(t, l.verify(d1Reader(s.URL)))
		}
	}
	report(t, l.verify(d1Reader(s.URL)))
	t.Logf("%d kills, %d acknowledged writes", kills(t), acknowledged)
	wantStripped(t, s, sql("SELECT count(*) AS n FROM t WHERE substr(v, 1, instr(v, ':') - 1) NOT IN (SELECT n FROM note)"), rows("n", "i:0"))
	wantStripped(t, s, sql("PRAGMA quick_check"), rows("quick_check", "t:ok"))
	d1VerifierNotices(t, l, s)
}

// d1VerifierNotices shows that the test can fail, as [verifierNotices] does.
func d1VerifierNotices(t *testing.T, l *ledger, s *process.Server) {
	t.Helper()
	var key string
	for k, value := range l.acked {
		if value != "" && l.sent[k] == nil && !strings.HasPrefix(k, "note ") {
			key = k
		}
	}
	wantStripped(t, s, sql("DELETE FROM t WHERE k = ?", key), nothing)
	if problems := l.verify(d1Reader(s.URL)); len(problems) != 1 || !strings.HasPrefix(problems[0], key+" is") {
		t.Errorf("a lost write was reported as %q", problems)
	}
}
