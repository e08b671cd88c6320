package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/runtime"
)

func TestBodiesAtAndAboveTheirLimits(t *testing.T) {
	streamed := make(chan bool, 1)
	s := start(t, Options{BodyBytesMax: 10_000, BodyWholeBytesMax: 5_000}, fetch(func(_ context.Context, req *runtime.Request) (*runtime.Response, error) {
		streamed <- req.Body != nil
		b, err := wholeBody(req)
		if err != nil {
			return text(200, "the function goes on"), nil
		}
		return text(200, fmt.Sprint(len(b))), nil
	}))
	for _, c := range []struct {
		name     string
		size     int
		chunked  bool
		streamed bool
		status   int
	}{
		{"a body read before the event", 4_999, false, false, 200},
		{"the longest body read before the event", 5_000, false, false, 200},
		{"a body one byte longer streams", 5_001, false, true, 200},
		{"a body of unknown length streams", 10, true, true, 200},
		{"the longest body", 10_000, false, true, 200},
		{"the longest body, of unknown length", 10_000, true, true, 200},
		{"a body of unknown length over the limit", 10_001, true, true, 413},
	} {
		var body io.Reader = bytes.NewReader(make([]byte, c.size))
		if c.chunked {
			body = io.MultiReader(body)
		}
		resp, got := do(t, must(http.NewRequest("POST", s.url("/"), body)))
		if resp.StatusCode != c.status || c.status == 200 && got != fmt.Sprint(c.size) {
			t.Errorf("%s: %d %s", c.name, resp.StatusCode, got)
		}
		if was := <-streamed; was != c.streamed {
			t.Errorf("%s: streamed %v", c.name, was)
		}
	}
	resp, _ := do(t, must(http.NewRequest("POST", s.url("/"), bytes.NewReader(make([]byte, 10_001)))))
	if resp.StatusCode != 413 || len(streamed) > 0 {
		t.Errorf("an announced body over the limit: %d, %d events", resp.StatusCode, len(streamed))
	}
}

func TestASlowBodyEndsWith408BeforeTheEvent(t *testing.T) {
	s := start(t, Options{BodyIdleTimeout: 100 * time.Millisecond}, fetch(func(context.Context, *runtime.Request) (*runtime.Response, error) {
		t.Error("the event began")
		return text(200, ""), nil
	}))
	c := s.dial(t)
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
	all, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(all), "HTTP/1.1 408 ") {
		t.Errorf("%v %q", err, all)
	}
}

func TestASlowStreamedBodyEndsWith408(t *testing.T) {
	failed := make(chan error, 1)
	s := start(t, Options{BodyIdleTimeout: 100 * time.Millisecond}, fetch(func(_ context.Context, req *runtime.Request) (*runtime.Response, error) {
		_, err := wholeBody(req)
		failed <- err
		return text(200, ""), nil
	}))
	c := s.dial(t)
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
	all, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(all), "HTTP/1.1 408 ") {
		t.Errorf("%v %q", err, all)
	}
	if err := <-failed; !errors.Is(err, errBodyTimeout) {
		t.Errorf("the function saw %v", err)
	}
}

func TestASlowHTTP2BodyEndsWith408(t *testing.T) {
	s := start(t, Options{BodyIdleTimeout: 200 * time.Millisecond}, echo)
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	defer client.CloseIdleConnections()
	for _, length := range []int64{10, -1} {
		r, w := io.Pipe()
		defer w.Close()
		go io.WriteString(w, "abc")
		req := must(http.NewRequest("POST", s.url("/"), r))
		req.ContentLength = length
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 408 || resp.ProtoMajor != 2 {
			t.Errorf("length %d: %s %s", length, resp.Proto, resp.Status)
		}
	}
}

func TestASteadyBodyMayTakeLongerThanTheIdleTimeout(t *testing.T) {
	s := start(t, Options{BodyIdleTimeout: 600 * time.Millisecond}, echo)
	c := s.dial(t)
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
	for range 10 {
		time.Sleep(80 * time.Millisecond)
		io.WriteString(c, "x")
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("%v %v", err, resp)
	}
}

func TestAnUnreadBodyDoesNotBecomeARequest(t *testing.T) {
	ignore := fetch(func(context.Context, *runtime.Request) (*runtime.Response, error) { return text(200, "ignored"), nil })
	s := start(t, Options{BodyWholeBytesMax: 1, BodyIdleTimeout: 200 * time.Millisecond}, ignore)
	evil := "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, send := range map[string]string{
		"short, all there":      fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(evil), evil),
		"chunked, all there":    fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(evil), evil),
		"long, never complete":  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n" + strings.Repeat(evil, 100),
		"chunked and malformed": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n" + evil,
		"expected, never sent":  "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n" + evil,
	} {
		c := s.dial(t)
		io.WriteString(c, send)
		if strings.Contains(name, "all there") {
			io.WriteString(c, probe)
		}
		all, err := io.ReadAll(c)
		want := 1
		if strings.Contains(name, "all there") {
			want = 2
		}
		if n := strings.Count(string(all), "HTTP/1.1 200"); err != nil || n != want {
			t.Errorf("%s: %v, %d answers, want %d: %q", name, err, n, want, all)
		}
	}
}

func TestABodyReadAfterItsRequestFailsAndHarmsNobody(t *testing.T) {
	late := make(chan io.ReadCloser, 1)
	s := start(t, Options{}, fetch(func(_ context.Context, req *runtime.Request) (*runtime.Response, error) {
		if req.Body != nil {
			late <- req.Body
		}
		return text(200, "early"), nil
	}))
	c := s.dial(t)
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	io.WriteString(c, probe)
	if resp, err = http.ReadResponse(r, nil); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v %v", err, resp)
	}
	if n, err := (<-late).Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("a late read gave %d bytes and %v", n, err)
	}
}

func TestAReadInProgressEndsWithItsRequest(t *testing.T) {
	read := make(chan error, 1)
	s := start(t, Options{}, fetch(func(_ context.Context, req *runtime.Request) (*runtime.Response, error) {
		begun := make(chan struct{})
		go func() {
			close(begun)
			_, err := io.ReadAll(req.Body)
			read <- err
		}()
		<-begun
		time.Sleep(20 * time.Millisecond)
		return text(200, "early"), nil
	}))
	c := s.dial(t)
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
	all, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(all), "HTTP/1.1 200 ") {
		t.Errorf("%v %q", err, all)
	}
	if err := <-read; err == nil {
		t.Error("the read succeeded")
	}
}

func TestBothDirectionsStreamAtOnce(t *testing.T) {
	s := start(t, Options{}, fetch(func(_ context.Context, req *runtime.Request) (*runtime.Response, error) {
		return &runtime.Response{Status: 200, Stream: req.Body}, nil
	}))
	r, w := io.Pipe()
	resp, err := http.DefaultTransport.RoundTrip(must(http.NewRequest("POST", s.url("/"), r)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for i := range 20 {
		sent := fmt.Sprintf("message %02d", i)
		io.WriteString(w, sent)
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != sent {
			t.Fatalf("%q %v", got, err)
		}
	}
	w.Close()
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q %v", rest, err)
	}
}

func TestAClientThatGoesAwayCancelsItsEvent(t *testing.T) {
	for name, head := range map[string]string{
		"without a body":          "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"with a whole body":       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
		"in the middle of a body": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
	} {
		canceled := make(chan struct{})
		begun := make(chan struct{})
		s := start(t, Options{}, fetch(func(ctx context.Context, req *runtime.Request) (*runtime.Response, error) {
			close(begun)
			if req.Body != nil {
				go io.Copy(io.Discard, req.Body)
			}
			<-ctx.Done()
			close(canceled)
			return nil, &runtime.EventError{Outcome: runtime.OutcomeCanceled, Status: 499}
		}))
		c := s.dial(t)
		io.WriteString(c, head)
		<-begun
		c.Close()
		select {
		case <-canceled:
		case <-time.After(5 * time.Second):
			t.Errorf("%s: not canceled", name)
		}
	}
}
