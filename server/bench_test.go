//go:build unix

package server

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/runtime"
)

// hello is the least a function can do.
var hello fetch = func(context.Context, *runtime.Request) (*runtime.Response, error) {
	return &runtime.Response{Status: 200, Headers: helloFields, Body: helloBody}, nil
}

var (
	helloBody   = []byte("Hello, world!\n")
	helloFields = []abi.Header{{Name: "content-type", Value: "text/plain"}}
)

// bare is the same as a net/http handler.
func bare(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Write(helloBody)
}

// BenchmarkHello compares requests over one kept connection per core, client and kernel included. The server's share is the
// difference between the two.
func BenchmarkHello(b *testing.B) {
	b.Run("bare net/http", func(b *testing.B) {
		l := must(net.Listen("tcp", "127.0.0.1:0"))
		s := &http.Server{Handler: http.HandlerFunc(bare)}
		go s.Serve(l)
		defer s.Close()
		benchmark(b, l.Addr().String())
	})
	b.Run("server", func(b *testing.B) {
		s := start(b, Options{}, hello)
		benchmark(b, s.Addr().String())
	})
}

func benchmark(b *testing.B, addr string) {
	request := []byte("GET / HTTP/1.1\r\nHost: localhost:8787\r\n\r\n")
	b.ReportAllocs()
	before := cpuTime()
	defer func() { b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op") }()
	b.RunParallel(func(p *testing.PB) {
		c := must(net.Dial("tcp", addr))
		defer c.Close()
		r := bufio.NewReader(c)
		for p.Next() {
			c.Write(request)
			skipAnswer(b, r)
		}
	})
}

// cpuTime is how much processor time the process has used: less noisy than the time that has passed.
func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// skipAnswer reads one answer without allocating, so that the allocations reported are the server's.
func skipAnswer(b *testing.B, r *bufio.Reader) {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			b.Fatal(err)
		}
		if len(line) == 2 {
			break
		}
	}
	if _, err := r.Discard(len(helloBody)); err != nil && err != io.EOF {
		b.Fatal(err)
	}
}

// sink is a response writer that keeps nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}

// BenchmarkHandler is the server's own work alone, without net/http.
func BenchmarkHandler(b *testing.B) {
	s := New(Options{}, hello)
	r := must(http.NewRequest("GET", "http://localhost:8787/index.html?a=b", nil))
	r.RequestURI, r.RemoteAddr = "/index.html?a=b", "127.0.0.1:1234"
	for _, name := range []string{"User-Agent", "Accept", "Accept-Language", "Accept-Encoding"} {
		r.Header.Set(name, "value")
	}
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		s.ServeHTTP(w, r)
	}
}
