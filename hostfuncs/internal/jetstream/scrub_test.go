package jetstream

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
)

// said keeps what is logged, for any number of goroutines.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) has(parts ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, part := range parts {
		if !strings.Contains(s.text.String(), part) {
			return false
		}
	}
	return true
}

// twoBlocks makes a store whose stream has two files with messages, and gives its directory and them.
func twoBlocks(t *testing.T) (dir string, old, newest block) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, Options{Dir: dir, Relaxed: true})
	stream(t, s)
	for i := range 20 {
		m := &nats.Msg{Subject: "s.x", Data: bytes.Repeat([]byte{byte(i)}, 900_000)}
		if i%2 == 0 {
			m.Header = nats.Header{"Name": {fmt.Sprint(i)}}
		}
		if _, err := s.JetStream().PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	last, others := blocks(dir)
	if len(last) != 1 || len(others) == 0 {
		t.Fatalf("the files with messages are %v and %v", last, others)
	}
	return dir, others[0], last[0]
}

func damage(t *testing.T, path string, at int) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[at] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedMessageIsTold(t *testing.T) {
	dir, old, newest := twoBlocks(t)
	for _, b := range []block{old, newest} {
		if err := b.verify(); err != nil {
			t.Fatalf("%s: %v", b.path, err)
		}
		for _, at := range []int{2, 5, 13, 20, 23, 30, 1000, 900_030} {
			damage(t, b.path, at)
			if b.verify() == nil {
				t.Errorf("%s: a changed bit of byte %d is not seen", b.path, at)
			}
			damage(t, b.path, at)
		}
	}
	damage(t, old.path, 1000)
	damage(t, newest.path, 1000)
	var log said
	s := open(t, Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if !log.has("file="+newest.path, "copy=") {
		t.Errorf("the newest file is not named: %s", &log.text)
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, "damaged-S-*")); len(kept) != 1 {
		t.Errorf("kept is %q", kept)
	}
	for end := time.Now().Add(time.Minute); !log.has("file=" + old.path); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the older file is not named")
		}
	}
	if _, err := s.JetStream().Publish(t.Context(), "s.x", nil); err != nil {
		t.Error(err)
	}
}

func TestASubjectThatEndsElsewhereIsTold(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir, Relaxed: true})
	stream(t, s)
	if _, err := s.JetStream().Publish(t.Context(), "s.12", append([]byte{1}, "a message"...)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	newest, _ := blocks(dir)
	content, err := os.ReadFile(newest[0].path)
	if err != nil || content[20] != 4 || newest[0].verify() != nil {
		t.Fatalf("%x, %v, %v", content, err, newest[0].verify())
	}
	for _, length := range []byte{0, 3, 5, 6, 12} {
		content[20] = length
		if err := os.WriteFile(newest[0].path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if newest[0].verify() == nil {
			t.Errorf("a subject of %d bytes instead of 4 is not seen", length)
		}
	}
}

func TestAnIntactStoreIsNotComplainedAbout(t *testing.T) {
	dir, _, _ := twoBlocks(t)
	var log said
	s := open(t, Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	st, err := s.JetStream().Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(3); seq < 9; seq++ {
		if err := st.DeleteMsg(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Purge(t.Context(), js.WithPurgeKeep(5)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if log.has("damaged") {
		t.Error(log.text.String())
	}
}
