package server

import (
	"context"
	"fmt"
	"io"
	"net"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/runtime"
)

// crowd is how many clients do the same, so that what each of them costs can be told from what the process does anyway.
const crowd = 100

// cost is what a crowd of clients makes the process keep, for each of them, once moved has come to least and no longer changes. The clients are in this process too and count: they
// keep next to nothing.
func cost(t *testing.T, begin func(), moved *atomic.Int64, least int64) int {
	t.Helper()
	var before, after goruntime.MemStats
	goruntime.GC()
	goruntime.GC()
	goruntime.ReadMemStats(&before)
	begin()
	end := time.Now().Add(20 * time.Second)
	for last := int64(-1); (moved.Load() != last || last < least) && time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		last = moved.Load()
	}
	goruntime.GC()
	goruntime.ReadMemStats(&after)
	return (int(after.HeapInuse+after.StackInuse) - int(before.HeapInuse+before.StackInuse)) / crowd
}

// dialAll opens connections that send something, as far as the server takes it.
func dialAll(t *testing.T, s *running, send []byte, moved *atomic.Int64) {
	for range crowd {
		c := s.dial(t)
		c.SetDeadline(time.Now().Add(time.Minute))
		go func() {
			for rest := send; len(rest) > 0; {
				n, err := c.Write(rest[:min(len(rest), 16<<10)])
				moved.Add(int64(n))
				if rest = rest[n:]; err != nil {
					return
				}
			}
		}()
	}
}

// TestWhatAClientMakesTheServerKeepIsBounded holds clients that send as much as they can of what is not finished to what the limits allow, and 64 KiB for each
// connection.
func TestWhatAClientMakesTheServerKeepIsBounded(t *testing.T) {
	const overhead, urlMax, headerMax, wholeMax = 64 << 10, 16 << 10, 128 << 10, 64 << 10
	endless := strings.Repeat("x", 4<<20)
	for _, c := range []struct {
		name, send string
		limit      int
		begun      bool // the function is called
	}{
		{"a target without end", "GET /" + endless, urlMax, false},
		{"a head that ends just before its limit", "GET / HTTP/1.1\r\nHost: a\r\nX: " + endless[:headerMax-1000], headerMax, false},
		{"a field without end", "GET / HTTP/1.1\r\nHost: a\r\nX: " + endless, headerMax, false},
		{"fields without end", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: "+endless[:1000]+"\r\n", 4000), headerMax, false},
		{"a chunk's extension without end", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + endless, 0, true},
		{"trailers without end", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + endless, headerMax, true},
		{"a body that is read before the event", fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", wholeMax, endless[:wholeMax-1]), wholeMax, false},
		{"a body that the function does not read", fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(endless), endless), 0, true},
		{"a body without a length that the function does not read", fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s", len(endless), endless), 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			done := make(chan struct{})
			var moved atomic.Int64
			began := make(chan struct{}, 2*crowd)
			s := start(t, Options{HeaderTimeout: time.Minute, BodyIdleTimeout: time.Minute, DrainTimeout: time.Second},
				fetch(func(ctx context.Context, _ *runtime.Request) (*runtime.Response, error) {
					began <- struct{}{}
					select {
					case <-done:
					case <-ctx.Done():
					}
					return text(200, ""), nil
				}))
			defer close(done)
			send := []byte(c.send)
			each := cost(t, func() { dialAll(t, s, send, &moved) }, &moved, int64(crowd*min(c.limit, len(send))))
			goruntime.KeepAlive(send)
			t.Logf("%d KiB each; %d KiB sent, %d events", each>>10, moved.Load()/crowd>>10, len(began))
			if c.begun != (len(began) == crowd) || moved.Load() < int64(crowd*min(c.limit, len(send))) {
				t.Errorf("%d of %d events began, and %d bytes were sent", len(began), crowd, moved.Load())
			}
			if each > c.limit+overhead {
				t.Errorf("%d KiB each, at most %d", each>>10, (c.limit+overhead)>>10)
			}
		})
	}
}

// TestSlowReadersAreCheap has clients ask for an answer without end and read a few bytes a second of it.
func TestSlowReadersAreCheap(t *testing.T) {
	const most = 64 << 10 * slow
	s := start(t, Options{DrainTimeout: time.Second}, fetch(func(context.Context, *runtime.Request) (*runtime.Response, error) {
		return &runtime.Response{Status: 200, Stream: io.NopCloser(endless{})}, nil
	}))
	each := 1 << 30
	for try := 0; try < 3 && each > most; try++ { // what the collector has not got at counts too
		each = min(each, slowReaders(t, s))
	}
	if each > most {
		t.Errorf("%d KiB each, at most %d", each>>10, most>>10)
	}
}

// slowReaders is what each of a crowd of slow readers costs.
func slowReaders(t *testing.T, s *running) int {
	var answered atomic.Int64
	clients := make([]net.Conn, crowd)
	each := cost(t, func() {
		for i := range clients {
			clients[i] = s.dial(t)
			clients[i].SetDeadline(time.Now().Add(time.Minute))
			io.WriteString(clients[i], "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		}
		go readSlowly(clients, &answered)
	}, &answered, 2*crowd)
	for _, c := range clients {
		c.Close()
	}
	if answered.Load() < 2*crowd {
		t.Fatalf("%d bytes were read of %d answers", answered.Load(), crowd)
	}
	t.Logf("%d KiB each", each>>10)
	return each
}

// readSlowly takes a byte from each, twice, and goes on a byte at a time until they are closed.
func readSlowly(clients []net.Conn, answered *atomic.Int64) {
	b := make([]byte, 1)
	for round := 0; ; round++ {
		for _, c := range clients {
			if _, err := c.Read(b); err != nil {
				return
			}
			if round < 2 {
				answered.Add(1)
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}
