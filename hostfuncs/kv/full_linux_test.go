package kv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"golang.org/x/sys/unix"
)

func TestAFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skip("cannot mount a tmpfs:", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	c := newClock()
	p := openProbe(t, dir, c, &Resource{Binding: "NS", ID: "ns"})

	value, stored := pattern(300_000), 0
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 20<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	for ; err == nil; stored++ {
		q := abi.KVPutRequest{Key: abi.ByteString(fmt.Sprintf("%04d", stored)), Value: value, ExpirationTTLS: number(60 + int64(stored))}
		err = p.put(&q)
	}
	stored--
	if !errors.Is(err, abi.CodeStorageFull) {
		t.Fatalf("after %d keys: %v", stored, err)
	}
	for _, q := range []abi.KVPutRequest{
		{Key: "large", Value: make([]byte, 20<<20)},
		{Key: "streamed", Stream: p.streams.add(io.NopCloser(bytes.NewReader(make([]byte, 20<<20))))},
	} {
		if err := p.put(&q); !errors.Is(err, abi.CodeStorageFull) {
			t.Errorf("%s: %v", q.Key, err)
		}
	}
	for i := range stored {
		if got, found := p.value(fmt.Sprintf("%04d", i)); !found || got != string(value) {
			t.Fatalf("key %d cannot be read", i)
		}
	}
	if got := len(p.names("")); got != stored {
		t.Errorf("%d keys listed, %d acknowledged", got, stored)
	}

	for i := range stored / 2 {
		if err := p.delete(fmt.Sprintf("%04d", stored-1-i)); err != nil {
			t.Fatalf("delete %d: %v", i, err)
		}
	}
	c.advance(65 * time.Second)
	if err := p.live.(*live).opened[0].Sweep(t.Context()); err != nil {
		t.Errorf("sweep: %v", err)
	}
	p.set("into room that deletes made", string(value))

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		p.set(fmt.Sprintf("after %d", i), string(value))
	}
}
