package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/server/strictconn"
)

var dateField = regexp.MustCompile(`\r\nDate: [^\r]*GMT\r\n`)

// bothWays sends a request in one piece and in two, of which the second way is always net/http's, and gives what came back and the events.
func bothWays(t *testing.T, s *running, events *seen, request string) (answers [2]string, got [2][]runtime.Request) {
	t.Helper()
	for i, pieces := range [][]string{{request}, {request[:1], request[1:]}} {
		events.take()
		c := s.dial(t)
		for _, p := range pieces {
			io.WriteString(c, p)
			time.Sleep(2 * time.Millisecond)
		}
		c.(*net.TCPConn).CloseWrite()
		all := must(io.ReadAll(c))
		answers[i] = dateField.ReplaceAllString(string(all), "\r\nDate: now\r\n")
		got[i] = events.take()
	}
	return answers, got
}

// seen collects what events were.
type seen struct {
	mu   sync.Mutex
	list []runtime.Request
}

func (s *seen) add(r *runtime.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, *r)
}

func (s *seen) take() (list []runtime.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list, s.list = s.list, nil
	for i := range list {
		list[i].ID, list[i].Start = "", time.Time{}
	}
	return list
}

func TestPlainRequestsAreAnsweredAsNetHTTPWould(t *testing.T) {
	responses := map[string]*runtime.Response{
		"/":           text(200, "hello\n", abi.Header{Name: "content-type", Value: "text/plain"}),
		"/none":       text(200, ""),
		"/fields":     text(404, "x", abi.Header{Name: "x-b", Value: " 1\t"}, abi.Header{Name: "X-A", Value: "\x80é"}, abi.Header{Name: "x-B", Value: "2"}, abi.Header{Name: "A", Value: ""}),
		"/length":     text(200, "x", abi.Header{Name: "Content-Length", Value: "77"}),
		"/dated":      text(200, "x", abi.Header{Name: "date", Value: "Sat, 01 Jan 2000 00:00:00 GMT"}),
		"/connection": text(200, "x", abi.Header{Name: "Connection", Value: "close"}, abi.Header{Name: "Upgrade", Value: "x"}),
		"/2048":       text(200, strings.Repeat("a", 2048)),
		"/large":      text(200, strings.Repeat("b", 300_000)),
		"/204":        text(204, "x"),
		"/205":        text(205, "x"),
		"/304":        text(304, "x"),
		"/299":        text(299, "x"),
		"/503":        text(503, "x"),
		"/bad":        text(200, "x", abi.Header{Name: "X", Value: "a\nb"}),
		"/badname":    text(200, "x", abi.Header{Name: "X Y", Value: "a"}),
	}
	var events seen
	s := start(t, Options{}, fetch(func(_ context.Context, req *runtime.Request) (*runtime.Response, error) {
		events.add(req)
		path := strings.TrimPrefix(string(req.Fetch.URL), "http://a")
		switch {
		case path == "/stream":
			return &runtime.Response{Status: 200, Stream: io.NopCloser(strings.NewReader("streamed"))}, nil
		case path == "/fails":
			return nil, &runtime.EventError{Outcome: runtime.OutcomeException, Status: 500, Message: "The function failed."}
		case responses[path] != nil:
			r := *responses[path]
			return &r, nil
		}
		return text(200, path), nil
	}))
	requests := []string{"/stream", "/fails", "/?a=%zz&b", "/%41", "/%4", "//x", "/a:b", "/\x80", "/a b", "*", "http://b/c"}
	for path := range responses {
		requests = append(requests, path)
	}
	fields := []string{
		"", "Accept: a\r\nuser-agent: B\r\nACCEPT: c\r\n", "X:\r\nX:  \t\r\nX:  a b \t\r\n", "CF-Connecting-IP: 6.6.6.6\r\n", "Connection: Keep-Alive\r\n",
		"Connection: close\r\n", "Connection: keep-alive, x\r\n", "Pragma: no-cache\r\n", "Content-Length: 0\r\n", "Expect: 100-continue\r\n", "Expect: x\r\n",
		"Upgrade: websocket\r\nConnection: upgrade\r\n", "Host: a\r\n", "X: \x01\r\n", "X y: z\r\n", "X: y\n", " x\r\n", strings.Repeat("A: b\r\n", 60), "A: " + strings.Repeat("b", 5000) + "\r\n",
	}
	check := func(request string) {
		t.Helper()
		probe := "GET /probe HTTP/1.1\r\nHost: a\r\n\r\n"
		answers, got := bothWays(t, s, &events, request+probe)
		if norm(answers[0]) != norm(answers[1]) {
			t.Errorf("%.200q:\nin one piece %.900q\nin two       %.900q", request, answers[0], answers[1])
		}
		if fmt.Sprint(got[0]) != fmt.Sprint(got[1]) {
			t.Errorf("%.200q:\nin one piece %+v\nin two       %+v", request, got[0], got[1])
		}
	}
	for _, target := range requests {
		check("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n")
		check("HEAD " + target + " HTTP/1.1\r\nHost: a\r\n\r\n")
	}
	for _, f := range fields {
		check("GET / HTTP/1.1\r\n" + f + "Host: a\r\n\r\n")
		check("GET / HTTP/1.1\r\nHost: a\r\n" + f + "\r\n")
	}
	for _, host := range []string{"a:1", "[::1]:1", "a/b", "a@b", "", "A", "ä"} {
		check("GET / HTTP/1.1\r\nhost: " + host + "\r\n\r\n")
	}
	check("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
	check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
	check("\r\n")
}

var eventID = regexp.MustCompile(`[0-9a-z]{17}`)

func norm(answer string) string { return eventID.ReplaceAllString(answer, "ID") }

// FuzzPlainHead holds the quick reading of heads to net/http's.
func FuzzPlainHead(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a?b=%zz HTTP/1.1\r\nhOST:a:80 \r\naccept: x\r\nX-y-Z:\t1 \r\n\r\nrest", "GET /%41/ HTTP/1.1\r\nConnection: keep-alive\r\nHost: [::1]\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	s := New(Options{}, nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > plainBytes {
			return
		}
		sent := bytes.Clone(b)
		ev, n := s.plainEvent(b, "1.2.3.4")
		if ev == nil {
			return
		}
		if ok, _ := passes(sent[:n]); !ok {
			return // it does not get past package strictconn
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(sent[:n])))
		if err != nil {
			t.Fatalf("net/http would refuse %q: %v", sent[:n], err)
		}
		r.RemoteAddr = "1.2.3.4:5"
		if refused := s.check(r); refused != nil {
			t.Fatalf("the server would refuse %q: %+v", sent[:n], refused)
		}
		r.Header.Del("Host")
		want, refused := s.newEvent(r, time.Time{})
		if refused != nil || !reflect.DeepEqual(want.Fetch, ev.Fetch) || !bytes.HasSuffix(sent[:n], []byte("\r\n\r\n")) {
			t.Errorf("%q:\ngot  %+v\nwant %+v", sent[:n], ev.Fetch, want.Fetch)
		}
	})
}

// passes reports whether a stream gets through package strictconn.
func passes(stream []byte) (bool, error) {
	client, server := net.Pipe()
	defer client.Close()
	go func() { client.Write(stream); client.Close() }()
	all, err := io.ReadAll(strictconn.Wrap(server, strictconn.Limits{TargetBytesMax: plainBytes, FieldsMax: plainBytes}))
	return bytes.Equal(all, stream), err
}

func TestALongPlainEventIsCanceledWhenTheClientGoes(t *testing.T) {
	for _, waits := range []bool{true, false} {
		ended := make(chan error, 1)
		s := start(t, Options{}, fetch(func(ctx context.Context, _ *runtime.Request) (*runtime.Response, error) {
			if waits {
				<-ctx.Done()
			}
			for end := time.Now().Add(5 * time.Second); ctx.Err() == nil && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			ended <- ctx.Err()
			return nil, &runtime.EventError{Outcome: runtime.OutcomeCanceled, Status: 499}
		}))
		c := s.dial(t)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		time.Sleep(30 * time.Millisecond)
		c.Close()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the context ended with %v", err)
		}
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	}
}

func TestAPlainEventsContextEndsWithItsAnswer(t *testing.T) {
	contexts := make(chan context.Context, 1)
	s := start(t, Options{}, fetch(func(ctx context.Context, _ *runtime.Request) (*runtime.Response, error) {
		contexts <- ctx
		return text(200, "x"), nil
	}))
	get(t, s.url("/"))
	ctx := <-contexts
	child, cancel := context.WithCancel(ctx)
	defer cancel()
	select {
	case <-child.Done():
	case <-time.After(5 * time.Second):
		t.Error("it has not ended")
	}
	if ctx.Err() != context.Canceled {
		t.Error(ctx.Err())
	}
}

// What comes while a plain event runs is the next request, however it comes.
func TestRequestsThatComeDuringAPlainEventAreAnsweredInTurn(t *testing.T) {
	s := start(t, Options{}, fetch(func(ctx context.Context, req *runtime.Request) (*runtime.Response, error) {
		time.Sleep(40 * time.Millisecond)
		if ctx.Err() != nil {
			t.Errorf("%s: %v", req.Fetch.URL, ctx.Err())
		}
		return text(200, string(req.Fetch.URL)), nil
	}))
	for _, split := range []int{0, 1, 17, 36} {
		c := s.dial(t)
		request := func(n int) string { return fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: host.test\r\n\r\n", n) }
		second := request(2)
		io.WriteString(c, request(1))
		time.Sleep(20 * time.Millisecond)
		io.WriteString(c, second[:split])
		time.Sleep(30 * time.Millisecond)
		io.WriteString(c, second[split:]+request(3))
		r := bufio.NewReader(c)
		for n := 1; n <= 3; n++ {
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatalf("split at %d, answer %d: %v", split, n, err)
			}
			if body := must(io.ReadAll(resp.Body)); string(body) != fmt.Sprintf("http://host.test/%d", n) {
				t.Errorf("split at %d, answer %d: %q", split, n, body)
			}
		}
	}
}

func TestAPanicInAPlainEventEndsTheConnectionOnly(t *testing.T) {
	var log bytes.Buffer
	s := start(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, fetch(func(_ context.Context, req *runtime.Request) (*runtime.Response, error) {
		if req.Fetch.URL == "http://a/panic" {
			panic("mistake of ours")
		}
		return text(200, "x"), nil
	}))
	c := s.dial(t)
	io.WriteString(c, "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n")
	if all := must(io.ReadAll(c)); len(all) > 0 {
		t.Errorf("%q", all)
	}
	if resp, _ := get(t, s.url("/")); resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "panic serving") || !strings.Contains(log.String(), "mistake of ours") {
		t.Errorf("log: %s", log.String())
	}
}

func TestADrainFinishesAStreamThatBeganAsAPlainRequest(t *testing.T) {
	begun := make(chan struct{})
	s := start(t, Options{}, fetch(func(context.Context, *runtime.Request) (*runtime.Response, error) {
		close(begun)
		time.Sleep(500 * time.Millisecond) // the server has stopped listening by then
		return &runtime.Response{Status: 200, Stream: io.NopCloser(strings.NewReader("streamed"))}, nil
	}))
	answer := make(chan string, 1)
	go func() { _, body := get(t, s.url("/")); answer <- body }()
	<-begun
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if body := <-answer; body != "streamed" {
		t.Errorf("%q", body)
	}
	if n, left := s.slots.count(), s.plains.closeIdle(); n != 0 || left != 0 {
		t.Errorf("%d connections are open, %d of them plain", n, left)
	}
}

// A connection that net/http takes over in the middle of its first head has no more time for it than any other.
func TestTheFirstHeadGetsNoMoreTimeForBeingHandedOver(t *testing.T) {
	s := start(t, Options{HeaderTimeout: 2 * time.Second}, echo)
	c := s.dial(t)
	began := time.Now()
	time.Sleep(1500 * time.Millisecond)
	io.WriteString(c, "GET / HT")
	io.ReadAll(c)
	if d := time.Since(began); d < 1800*time.Millisecond || d > 3200*time.Millisecond {
		t.Errorf("the connection ended after %v", d)
	}
}

// The first head's time is over when it has come, however long its event takes before net/http gets the connection.
func TestAStreamAfterALongFirstEventIsSent(t *testing.T) {
	s := start(t, Options{HeaderTimeout: 100 * time.Millisecond}, fetch(func(context.Context, *runtime.Request) (*runtime.Response, error) {
		time.Sleep(300 * time.Millisecond)
		return &runtime.Response{Status: 200, Stream: io.NopCloser(strings.NewReader("streamed"))}, nil
	}))
	c := s.dial(t)
	for range 2 {
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body := must(io.ReadAll(resp.Body)); string(body) != "streamed" {
			t.Errorf("%q", body)
		}
	}
}

// A slow client of a long body has the whole idle time left when it has all of it.
func TestTheIdleTimeBeginsWhenALongBodyHasBeenSent(t *testing.T) {
	s := start(t, Options{IdleTimeout: 300 * time.Millisecond}, fetch(func(_ context.Context, req *runtime.Request) (*runtime.Response, error) {
		return text(200, strings.Repeat("x", 16<<20)), nil
	}))
	c := s.dial(t)
	for range 2 {
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		time.Sleep(500 * time.Millisecond)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); n != 16<<20 || err != nil {
			t.Error(n, err)
		}
	}
}

func TestPlainRequestsReachDevelopmentRoutes(t *testing.T) {
	routes := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "route "+r.URL.Path) })
	s := start(t, Options{DevRoutes: routes}, echo)
	for target, want := range map[string]string{
		"/cdn-cgi/a": "route /cdn-cgi/a", "/cdn%2dcgi/a": "route /cdn-cgi/a", "/": "GET http://" + s.Addr().String() + "/ ",
	} {
		if _, body := get(t, s.url(target)); body != want {
			t.Errorf("%s: %q, want %q", target, body, want)
		}
	}
}
