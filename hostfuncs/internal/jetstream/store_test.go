package jetstream

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
)

// roles are what the test's program does when it is started by a test.
var roles = map[string]func(dir string){"hold": hold, "fire": fire}

func TestMain(m *testing.M) {
	if role := roles[os.Getenv("PAGESRUN_TEST_ROLE")]; role != nil {
		role(os.Getenv("PAGESRUN_TEST_DIR"))
		return
	}
	os.Exit(m.Run())
}

// child starts the test's program in a role, and waits until it has printed a line.
func child(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PAGESRUN_TEST_ROLE="+role, "PAGESRUN_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// hold opens a store and keeps it.
func hold(dir string) {
	_, err := Open(context.Background(), Options{Dir: dir})
	check(err)
	os.Stdout.WriteString("open\n")
	select {}
}

func open(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func stream(t *testing.T, s *Store) js.Stream {
	t.Helper()
	st, err := s.CreateStream(t.Context(), js.StreamConfig{Name: "S", Subjects: []string{"s.>"}, AllowMsgSchedules: true, AllowDirect: true})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestOneProcessHasTheStoreOpenAndLetsOthersIn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30)) // longer than the path of a socket may be
	cmd := child(t, "hold", dir)
	_, err := Open(t.Context(), Options{Dir: dir})
	var held *HeldError
	if !errors.As(err, &held) || held.PID != cmd.Process.Pid || !strings.Contains(err.Error(), dir) {
		t.Fatalf("opening a store that process %d has open: %v", cmd.Process.Pid, err)
	}
	s, err := Connect(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	stream(t, s)
	if _, err := s.JetStream().Publish(t.Context(), "s.a", []byte("hello")); err != nil {
		t.Error(err)
	}
	s.Close()
	info, err := os.Stat(filepath.Join(dir, "socket"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info.Mode(), err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	again := open(t, Options{Dir: dir})
	raw, err := stream(t, again).GetLastMsgForSubject(t.Context(), "s.a")
	if err != nil || string(raw.Data) != "hello" {
		t.Errorf("after the process was killed: %v, %v", raw, err)
	}
}

func TestConnectOpensTheStoreWhenNobodyHas(t *testing.T) {
	dir := t.TempDir()
	s, err := Connect(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	stream(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	open(t, Options{Dir: dir})
}

func TestNoPortUnlessAskedFor(t *testing.T) {
	open(t, Options{Dir: t.TempDir()})
	if _, err := nats.Connect("nats://127.0.0.1:4222", nats.Timeout(time.Second)); err == nil {
		t.Skip("something else listens on the port of NATS")
	}
	const address = "127.0.0.1:42229"
	open(t, Options{Dir: t.TempDir(), Listen: address})
	conn, err := nats.Connect("nats://" + address)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if _, err := Open(t.Context(), Options{Dir: t.TempDir(), Listen: address}); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("a port that is taken: %v", err)
	}
}

func TestAStoreWhoseWritesFailIsOpenedAgain(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	stream(t, s)
	restarted := s.Restarted()
	s.embedded.suspect("Filestore [S] recovered") // nothing that concerns writes
	if err := s.Room(1); err != nil {
		t.Fatal(err)
	}
	s.embedded.suspect("JetStream stream '$G > S' critical write error: sync 1.blk: input/output error")
	for end := time.Now().Add(5 * time.Second); s.Room(1) == nil && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	if err := s.Room(1); !errors.Is(err, ErrBroken) || errors.Is(err, ErrFull) {
		t.Errorf("a store that takes no more writes says %v", err)
	}
	select {
	case <-restarted:
	case <-time.After(20 * time.Second):
		t.Fatal("it is not opened again")
	}
	for end := time.Now().Add(5 * time.Second); s.Room(1) != nil && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	if _, err := s.JetStream().Publish(t.Context(), "s.a", []byte("again")); err != nil {
		t.Error(err)
	}
}
