package queues

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/prometheus/client_golang/prometheus"
)

// TestMain is also the process that the torture kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PAGESRUN_TEST_TORTURE_DIR"); dir != "" {
		torture(dir, envNumber("PAGESRUN_TEST_TORTURE_FROM", 0), envNumber("PAGESRUN_TEST_TORTURE_TO", 0), os.Getenv("PAGESRUN_TEST_TORTURE_RELAXED") != "")
		return
	}
	os.Exit(m.Run())
}

func envNumber(name string, fallback int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return fallback
}

const tortureRetries = 2

// torture sends messages numbered from one to the other and consumes them, until it is killed or everything is done. It says on its standard output what was
// stored ("s"), is delivered ("d", with the attempt), and has arrived in the dead letter queue ("x").
func torture(dir string, from, to int, relaxed bool) {
	host := hostfuncs.Host{
		DataDir: dir, Now: time.Now, Metrics: prometheus.NewRegistry(), Shared: hostfuncs.NewShared(),
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	if relaxed {
		host.Durability = "relaxed"
	}
	opened, err := New().Open(context.Background(), host, []hostfuncs.Resource{
		&Producer{Binding: "Q", Queue: "q"},
		consumer("q", func(c *Consumer) { c.BatchSize, c.Retries, c.DeadLetterQueue = 50, tortureRetries, "dead" }),
		consumer("dead", func(c *Consumer) { c.BatchSize, c.Retries = 100, 100 }),
	})
	if err != nil {
		panic(err)
	}
	l := opened.(*live)
	if err := l.Start(&script{concurrency: 6, handle: tortured}); err != nil {
		panic(err)
	}
	var senders sync.WaitGroup
	var next atomic.Int64
	next.Store(int64(from))
	for range 4 {
		senders.Go(func() { sendUntil(l.queues["q"], &next, to) })
	}
	senders.Wait()
	for _, name := range []string{"q", "dead"} {
		for {
			if state, err := l.queues[name].state(context.Background()); err == nil && state.BacklogCount == 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	if err := l.Close(context.Background()); err != nil {
		panic(err)
	}
	os.Stdout.WriteString("end\n")
}

// sendUntil sends in batches of all sizes, a few messages with a delay.
func sendUntil(q *queue, next *atomic.Int64, to int) {
	for {
		n := int64(1 + rand.IntN(100))
		if rand.IntN(3) == 0 {
			n = 1
		}
		last := next.Add(n)
		if last-n >= int64(to) {
			return
		}
		var batch []outgoing
		var said bytes.Buffer
		for i := last - n; i < min(last, int64(to)); i++ {
			o := outgoing{body: strconv.AppendInt(nil, i, 10), contentType: abi.QueueText}
			if rand.IntN(20) == 0 {
				o.delayS = 1
			}
			batch = append(batch, o)
			fmt.Fprintf(&said, "s %d\n", i)
		}
		if err := q.send(context.Background(), batch); err != nil {
			panic(err)
		}
		os.Stdout.Write(said.Bytes())
	}
}

// tortured acknowledges, retries and throws at random.
func tortured(b *batch) error {
	var said bytes.Buffer
	for _, m := range b.Messages {
		if b.Queue == "dead" {
			fmt.Fprintf(&said, "x %s %d\n", m.Body, m.Attempts)
		} else {
			fmt.Fprintf(&said, "d %s %d\n", m.Body, m.Attempts)
		}
	}
	os.Stdout.Write(said.Bytes())
	if b.Queue == "dead" {
		return nil
	}
	for i := range b.Messages {
		switch rand.IntN(10) {
		case 0:
			b.retry(uint32(i))
		case 1, 2, 3:
			b.ack(uint32(i))
		}
	}
	switch rand.IntN(10) {
	case 0:
		return errThrown
	case 1:
		b.retryAll()
	}
	return nil
}

// ledger is what is known of the messages of a torture.
type ledger struct {
	stored            map[int]bool
	attempts          map[int]int // the last one seen
	dead              map[int]int // the last attempt seen in the dead letter queue
	problems, doubles int
}

// read takes what a process has said. A line that is not whole is one whose process was killed.
func (l *ledger) read(t *testing.T, lines *bufio.Scanner) (ended bool) {
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 1 {
			return fields[0] == "end"
		}
		number, _ := strconv.Atoi(fields[1])
		attempt := 0
		if len(fields) == 3 {
			attempt, _ = strconv.Atoi(fields[2])
		}
		seen := map[string]map[int]int{"d": l.attempts, "x": l.dead}[fields[0]]
		if fields[0] == "s" {
			l.stored[number] = true
			continue
		}
		if before := seen[number]; before > 0 {
			l.doubles++
			if attempt <= before {
				l.problem(t, "message %d was delivered at attempt %d after attempt %d (%s)", number, attempt, before, fields[0])
			}
		}
		seen[number] = attempt
		if fields[0] == "d" && attempt > tortureRetries+1 {
			l.problem(t, "message %d was delivered at attempt %d", number, attempt)
		}
	}
	return false
}

func (l *ledger) problem(t *testing.T, format string, args ...any) {
	if l.problems++; l.problems <= 20 {
		t.Errorf(format, args...)
	}
}

// TestTorture sends and consumes in a process that is killed again and again, with handlers that acknowledge, retry and throw at random. PAGESRUN_KILLS
// sets how often it is killed, PAGESRUN_MESSAGES how many messages there are, PAGESRUN_RELAXED relaxes durability. What was acknowledged arrives, with
// attempts that only grow; what arrives in the dead letter queue was delivered as often as configured, and no more.
func TestTorture(t *testing.T) {
	kills, messages := envNumber("PAGESRUN_KILLS", 8), envNumber("PAGESRUN_MESSAGES", 20_000)
	dir := t.TempDir()
	l := &ledger{stored: map[int]bool{}, attempts: map[int]int{}, dead: map[int]int{}}
	killed := 0
	for run, to := 0, 0; run <= kills || len(l.stored) < messages; run++ {
		from, after := to, time.Duration(200+rand.IntN(1200))*time.Millisecond
		to += messages / (kills + 1)
		if run >= kills { // at last it may end
			to, after = from+max(0, messages-len(l.stored)), time.Hour
		}
		if !l.run(t, dir, from, to, after) {
			killed++
		}
	}
	lost, undead := 0, 0
	for number := range l.stored {
		if l.attempts[number] == 0 {
			lost++
		}
	}
	for number := range l.dead {
		if l.attempts[number] != tortureRetries+1 {
			undead++
		}
	}
	t.Logf("%d messages, %d kills, %d delivered again, %d dead letters, %d of them without a sight of their last attempt", len(l.stored), killed, l.doubles, len(l.dead), undead)
	if lost > 0 || len(l.stored) == 0 {
		t.Errorf("%d of %d messages are lost", lost, len(l.stored))
	}
	if undead > killed*6*50 || len(l.dead) == 0 {
		t.Errorf("%d of %d dead letters died early", undead, len(l.dead))
	}
}

// run runs the process until it ends or its time is over.
func (l *ledger) run(t *testing.T, dir string, from, to int, after time.Duration) (ended bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PAGESRUN_TEST_TORTURE_DIR="+dir, fmt.Sprint("PAGESRUN_TEST_TORTURE_FROM=", from), fmt.Sprint("PAGESRUN_TEST_TORTURE_TO=", to),
		"PAGESRUN_TEST_TORTURE_RELAXED="+os.Getenv("PAGESRUN_RELAXED"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killer := time.AfterFunc(after, func() { cmd.Process.Kill() })
	ended = l.read(t, bufio.NewScanner(out))
	if err, alone := cmd.Wait(), killer.Stop(); err != nil && ended && alone {
		t.Fatal(err)
	}
	return ended
}
