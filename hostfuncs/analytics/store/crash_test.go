package store

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain is also the process that the crash test kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PAGESRUN_TEST_CRASH_DIR"); dir != "" {
		writeUntilKilled(filepath.Join(dir, "x.sqlite"), os.Getenv("PAGESRUN_TEST_CRASH_RUN"))
	}
	os.Exit(m.Run())
}

// writeUntilKilled prints how many points are stored, each time more are.
func writeUntilKilled(path, run string) {
	w, err := New(context.Background(), Options{Path: path, Now: time.Now, Log: slog.Default(), Limits: Limits{forever, 1 << 40}})
	if err != nil {
		panic(err)
	}
	for i := 0; ; {
		fmt.Println(i)
		for range 1 + rand.IntN(500) {
			w.Add(time.Now(), message(run, nil, float64(i)))
			i++
		}
		if err := w.Flush(); err != nil {
			panic(err)
		}
	}
}

// TestWhatWasFlushedSurvivesTheEndOfTheProcess kills a writing process again and again. PAGESRUN_KILLS sets how often.
func TestWhatWasFlushedSurvivesTheEndOfTheProcess(t *testing.T) {
	kills := 8
	if n, err := strconv.Atoi(os.Getenv("PAGESRUN_KILLS")); err == nil {
		kills = n
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "x.sqlite")
	total := 0
	for run := range kills {
		flushed := killedRun(t, dir, strconv.Itoa(run))
		total += flushed
		if flushed == 0 {
			continue
		}
		open(t, path, Limits{}).Close()
		got := ask(t, path, fmt.Sprintf("SELECT count(*) FROM points WHERE index1 = '%d' AND double1 < %d", run, flushed))
		if got != strconv.Itoa(flushed) {
			t.Errorf("run %d: %s of %d points are there", run, got, flushed)
		}
	}
	t.Logf("%d points, %d kills", total, kills)
	if total == 0 {
		t.Error("nothing was ever flushed, so nothing was tested")
	}
	if got := ask(t, path, "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("integrity check: %s", got)
	}
}

// killedRun lets a process write for a moment, kills it and gives the last number it had printed.
func killedRun(t *testing.T, dir, run string) int {
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
	last, begun := 0, false
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // a line without its end does not count
		}
		if !begun {
			begun = true
			defer time.AfterFunc(time.Duration(50+rand.IntN(300))*time.Millisecond, func() { child.Process.Kill() }).Stop()
		}
		if last, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
			t.Fatal(err)
		}
	}
	child.Wait()
	return last
}
