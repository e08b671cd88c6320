package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/runtime"
)

func TestADrainUnderLoadFailsNoRequest(t *testing.T) {
	s := start(t, Options{}, fetch(func(_ context.Context, req *runtime.Request) (*runtime.Response, error) {
		time.Sleep(3 * time.Millisecond)
		return text(200, string(req.Fetch.URL)), nil
	}))
	var answered, failed atomic.Int64
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { answerUntilGone(t, s, i, &answered, &failed) })
	}
	time.Sleep(200 * time.Millisecond)
	if err := s.stop(); err != nil {
		t.Errorf("the drain ended with %v", err)
	}
	wg.Wait()
	if failed.Load() > 0 || answered.Load() < 100 {
		t.Errorf("%d answered, %d failed", answered.Load(), failed.Load())
	}
}

// answerUntilGone sends request after request, on kept connections, until no connection can be made. A request fails when its answer is
// missing or incomplete, unless nothing at all came back on a connection that had been idle: every client tries again then.
func answerUntilGone(t *testing.T, s *running, client int, answered, failed *atomic.Int64) {
	for n := 0; ; {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			return
		}
		r := bufio.NewReader(c)
		for used := false; ; used = true {
			path := fmt.Sprintf("/%d/%d", client, n)
			n++
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				if !used || !errors.Is(err, io.ErrUnexpectedEOF) && !isReset(err) {
					t.Errorf("request %s, connection used before: %v: %v", path, used, err)
					failed.Add(1)
				}
				break
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil || string(body) != "http://a"+path {
				failed.Add(1)
			}
			answered.Add(1)
			if resp.Close {
				break
			}
		}
		c.Close()
	}
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op)
}

func TestADrainWaitsForWhatIsInProgress(t *testing.T) {
	begun := make(chan struct{})
	s := start(t, Options{}, fetch(func(context.Context, *runtime.Request) (*runtime.Response, error) {
		close(begun)
		time.Sleep(600 * time.Millisecond)
		return text(200, "done"), nil
	}))
	idle := s.dial(t)
	io.WriteString(idle, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
	http.ReadResponse(bufio.NewReader(idle), nil)
	answer := make(chan string, 1)
	go func() { _, body := get(t, s.url("/")); answer <- body }()
	<-begun
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if body := <-answer; body != "done" {
		t.Errorf("%q", body)
	}
	if n := s.slots.count(); n != 0 {
		t.Errorf("%d connections are still open", n)
	}
}

func TestADrainFinishesHTTP2Requests(t *testing.T) {
	begun := make(chan struct{})
	s := start(t, Options{}, fetch(func(context.Context, *runtime.Request) (*runtime.Response, error) {
		close(begun)
		time.Sleep(400 * time.Millisecond)
		return text(200, "done"), nil
	}))
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	answer := make(chan string, 1)
	go func() {
		resp, err := client.Get(s.url("/"))
		if err != nil {
			answer <- err.Error()
			return
		}
		b, _ := io.ReadAll(resp.Body)
		answer <- string(b)
	}()
	<-begun
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if got := <-answer; got != "done" {
		t.Error(got)
	}
}

func TestADrainEndsAtItsTimeout(t *testing.T) {
	begun := make(chan struct{})
	s := start(t, Options{DrainTimeout: 400 * time.Millisecond}, fetch(func(ctx context.Context, _ *runtime.Request) (*runtime.Response, error) {
		close(begun)
		<-ctx.Done()
		return nil, &runtime.EventError{Outcome: runtime.OutcomeCanceled, Status: 499}
	}))
	io.WriteString(s.dial(t), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-begun
	began := time.Now()
	err := s.stop()
	if err == nil || !strings.Contains(err.Error(), "1 connections were still busy after 400ms") || time.Since(began) > 2*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestAnIdleServerStopsAtOnce(t *testing.T) {
	s := start(t, Options{}, echo)
	began := time.Now()
	if err := s.stop(); err != nil || time.Since(began) > 2*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestHeadersThatDoNotArriveEndTheConnection(t *testing.T) {
	s := start(t, Options{HeaderTimeout: 200 * time.Millisecond}, echo)
	for _, begin := range []string{"", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\nX: "} {
		c := s.dial(t)
		io.WriteString(c, begin)
		began := time.Now()
		io.ReadAll(c)
		if d := time.Since(began); d > 3*time.Second {
			t.Errorf("after %q the connection stayed for %v", begin, d)
		}
	}
}

func TestIdleConnectionsEnd(t *testing.T) {
	s := start(t, Options{IdleTimeout: 200 * time.Millisecond}, echo)
	c := s.dial(t)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	began := time.Now()
	if all, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(all), "HTTP/1.1 200") || time.Since(began) > 3*time.Second {
		t.Errorf("%v %q after %v", err, all, time.Since(began))
	}
}

func TestConnectionsOverTheLimitWait(t *testing.T) {
	s := start(t, Options{ConnectionsMax: 2}, echo)
	first, second, third := s.dial(t), s.dial(t), s.dial(t)
	ask := func(c net.Conn) (string, error) {
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return "", err
		}
		return resp.Status, nil
	}
	for _, c := range []net.Conn{first, second} {
		if status, err := ask(c); status != "200 OK" {
			t.Fatal(status, err)
		}
	}
	third.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if status, err := ask(third); err == nil {
		t.Errorf("a third connection was served: %s", status)
	}
	first.Close()
	third.SetReadDeadline(time.Now().Add(5 * time.Second))
	if resp, err := http.ReadResponse(bufio.NewReader(third), nil); err != nil || resp.StatusCode != 200 {
		t.Errorf("after one has closed: %v", err)
	}
}

func TestAThousandIdleConnectionsAreCheap(t *testing.T) {
	s := start(t, Options{}, echo)
	var before, after goruntime.MemStats
	goruntime.GC()
	goruntime.ReadMemStats(&before)
	const n = 1000
	for range n {
		c := s.dial(t)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, err := io.ReadFull(c, make([]byte, 12)); err != nil {
			t.Fatal(err)
		}
	}
	goruntime.GC()
	goruntime.ReadMemStats(&after)
	each := (after.HeapInuse + after.StackInuse - before.HeapInuse - before.StackInuse) / n
	t.Logf("%d KiB each", each>>10)
	if each > 32<<10 {
		t.Errorf("%d bytes each", each)
	}
	began := time.Now()
	if resp, _ := get(t, s.url("/")); resp.StatusCode != 200 || time.Since(began) > time.Second {
		t.Errorf("%d after %v", resp.StatusCode, time.Since(began))
	}
}
