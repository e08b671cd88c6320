package kv

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
)

// TestMain is also the process that the crash test kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PAGESRUN_TEST_CRASH_DIR"); dir != "" {
		writeUntilKilled(dir, os.Getenv("PAGESRUN_TEST_CRASH_RUN"))
	}
	flag.Set("rapid.checks", "40") // before the command line is parsed, which may ask for more
	os.Exit(m.Run())
}

const crashWriters = 8

// writeUntilKilled writes values that occur nowhere else and prints each key once its write was acknowledged.
func writeUntilKilled(dir, run string) {
	n, err := OpenNamespace(context.Background(), Options{Dir: dir}, "ns")
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	for w := range crashWriters {
		go func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%s-%d-%d", run, w, i)
				size := 10 + rand.IntN(2000)
				if i%50 == 49 {
					size = largeBytes + rand.IntN(1000)
				}
				value := []byte(strings.Repeat(key+" ", size/len(key)+1))
				if err := n.Put(context.Background(), &abi.KVPutRequest{Key: abi.ByteString(key), Value: value}); err != nil {
					panic(err)
				}
				mu.Lock()
				fmt.Println(key)
				mu.Unlock()
			}
		}()
	}
	select {}
}

// TestNothingAcknowledgedIsLostWhenTheProcessIsKilled kills a writing process again and again. PAGESRUN_KILLS sets how
// often. That the test can fail was seen by printing keys before their writes are acknowledged.
func TestNothingAcknowledgedIsLostWhenTheProcessIsKilled(t *testing.T) {
	kills := 10
	if n, err := strconv.Atoi(os.Getenv("PAGESRUN_KILLS")); err == nil {
		kills = n
	}
	dir := t.TempDir()
	total := 0
	for run := range kills {
		acknowledged := killedRun(t, dir, fmt.Sprint(run))
		total += len(acknowledged)
		checkAcknowledged(t, dir, acknowledged)
	}
	t.Logf("%d acknowledged writes, %d kills", total, kills)
	if total == 0 {
		t.Error("nothing was ever acknowledged, so nothing was tested")
	}
	checkIntegrity(t, filepath.Join(dir, fileName("ns")))
}

// killedRun lets a process write for a moment, kills it and gives the keys it had printed.
func killedRun(t *testing.T, dir, run string) []string {
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
	timer := time.AfterFunc(time.Duration(20+rand.IntN(300))*time.Millisecond, func() { child.Process.Kill() })
	defer timer.Stop()
	var keys []string
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // a line without its end does not count
		}
		keys = append(keys, strings.TrimSpace(line))
	}
	child.Wait()
	return keys
}

func checkAcknowledged(t *testing.T, dir string, keys []string) {
	t.Helper()
	n, err := OpenNamespace(t.Context(), Options{Dir: dir}, "ns")
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	lost := 0
	for _, key := range keys {
		r, err := n.Get(t.Context(), &abi.KVGetRequest{Key: abi.ByteString(key)})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Found || strings.ReplaceAll(string(r.Value), key+" ", "") != "" {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d acknowledged writes are lost or damaged", lost, len(keys))
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
