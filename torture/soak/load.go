package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// How many clients there are, and how large a body is that is too large. Each client begins a request that is served and one that fails every pace, so that
// the load is one of so many requests per second, whatever the machine can do, and takes about a third of one processor. What costs much, an endless loop, has a
// client and a pace of its own.
const (
	clients     = 4
	pace        = 100 * time.Millisecond
	spinPace    = 4 * time.Second
	slowClients = 2
	slowPause   = 100 * time.Millisecond
	slowBytes   = 20
	patience    = 30 * time.Millisecond
	ids         = 500
	bodyMost    = 1 << 20
)

// load is what clients do, and what came of it.
type load struct {
	url  string
	http *http.Client
	// served and failed are requests that ended as they should; strange those that did not, of which first is one.
	served, failed, strange atomic.Int64
	once                    sync.Once
	first                   error
}

// request is one way to use or misuse the function.
type request func(ctx context.Context, l *load, id string) error

// good are the requests that must be answered, bad those that must fail, each in its way.
var (
	good = []request{write("/kv", 2000), write("/d1", 500), write("/queue", 0), write("/echo", 200_000)}
	bad  = []request{fails("/trap", http.StatusInternalServerError), leave, tooLarge, cut}
	spin = fails("/spin", http.StatusServiceUnavailable)
)

// run has clients use and misuse the function by turns until ctx ends.
func (l *load) run(ctx context.Context) {
	defer l.http.CloseIdleConnections()
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			every(ctx, pace, func(i int) {
				id := fmt.Sprint("key-", (i*clients+c)%ids)
				l.note(ctx, &l.served, good[(i+c)%len(good)](ctx, l, id))
				l.note(ctx, &l.failed, bad[(i+c)%len(bad)](ctx, l, id))
			})
		})
	}
	all.Go(func() { every(ctx, spinPace, func(int) { l.note(ctx, &l.failed, spin(ctx, l, "")) }) })
	for range slowClients {
		all.Go(func() {
			for ctx.Err() == nil {
				l.note(ctx, &l.failed, slow(ctx, l))
			}
		})
	}
	all.Wait()
}

// every does something again and again, until ctx ends; where it takes longer than the pace, it is not made up for.
func every(ctx context.Context, pace time.Duration, do func(i int)) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do(i)
		}
	}
}

// note counts a request; what was in progress at the end is nobody's fault.
func (l *load) note(ctx context.Context, as *atomic.Int64, err error) {
	switch {
	case err == nil:
		as.Add(1)
	case ctx.Err() == nil:
		l.strange.Add(1)
		l.once.Do(func() { l.first = err })
	}
}

// ask sends a request and reads the answer.
func (l *load) ask(ctx context.Context, method, path string, body io.Reader) (status int, text string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, l.url+path, body)
	if err != nil {
		return 0, "", err
	}
	resp, err := l.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(all), err
}

// write sends a body of so many bytes and wants it back, unless it is empty.
func write(path string, bytes int) request {
	value := strings.Repeat("v", bytes)
	return func(ctx context.Context, l *load, id string) error {
		status, text, err := l.ask(ctx, "POST", path+"?id="+id, strings.NewReader(value))
		if err == nil && (status != http.StatusOK || text != value) {
			err = fmt.Errorf("%s: status %d: %.200q", path, status, text)
		}
		return err
	}
}

// fails wants a status.
func fails(path string, want int) request {
	return func(ctx context.Context, l *load, _ string) error {
		status, text, err := l.ask(ctx, "GET", path, nil)
		if err == nil && status != want {
			err = fmt.Errorf("%s: status %d: %.200q", path, status, text)
		}
		return err
	}
}

// leave goes away before there is an answer.
func leave(ctx context.Context, l *load, _ string) error {
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	status, _, err := l.ask(soon, "GET", "/sleep", nil)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return fmt.Errorf("/sleep: status %d, %v", status, err)
}

// tooLarge sends a body that is larger than the limit: it is refused, or the connection is closed while it is being sent.
func tooLarge(ctx context.Context, l *load, id string) error {
	status, _, err := l.ask(ctx, "POST", "/kv?id="+id, strings.NewReader(strings.Repeat("v", bodyMost+1)))
	if err == nil && status != http.StatusRequestEntityTooLarge {
		return fmt.Errorf("a body that is too large: status %d", status)
	}
	return nil
}

// cut closes the connection in the middle of a body.
func cut(ctx context.Context, l *load, _ string) error {
	c, err := l.dial(ctx, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"+strings.Repeat("v", 1000))
	if err != nil {
		return err
	}
	return c.Close()
}

// slow sends a few bytes of a body, one after the other, and goes away.
func slow(ctx context.Context, l *load) error {
	c, err := l.dial(ctx, "POST /kv?id=slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
	if err != nil {
		return err
	}
	defer c.Close()
	for range slowBytes {
		if _, err := c.Write([]byte("v")); err != nil {
			return err
		}
		time.Sleep(slowPause)
	}
	return nil
}

// dial opens a connection and sends text.
func (l *load) dial(ctx context.Context, text string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(l.url, "http://"))
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(c, text); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}
