package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/runtime"
)

// answering starts a server whose function answers with what *resp points to.
func answering(t *testing.T, opts Options, resp *runtime.Response) *running {
	return start(t, opts, fetch(func(context.Context, *runtime.Request) (*runtime.Response, error) {
		again := *resp
		return &again, nil
	}))
}

func fields(pairs ...string) (h []abi.Header) {
	for i := 0; i < len(pairs); i += 2 {
		h = append(h, abi.Header{Name: pairs[i], Value: abi.ByteString(pairs[i+1])})
	}
	return h
}

func stream(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

func TestResponsesGoOutAsHTTPHasIt(t *testing.T) {
	var resp runtime.Response
	s := answering(t, Options{}, &resp)
	long := strings.Repeat("x", 5000)
	for _, c := range []struct {
		name   string
		method string
		resp   runtime.Response
		head   string // parts of the raw head, separated by |; with ! in front: not there
		body   string
	}{
		{"a whole body has a length and no guessed type", "GET", runtime.Response{Status: 200, Body: []byte("<html>")}, "200 OK|Content-Length: 6|!Content-Type|!Transfer-Encoding", "<html>"},
		{"a long body has a length too", "GET", runtime.Response{Status: 201, Body: []byte(long)}, "201 Created|Content-Length: 5000|!Transfer-Encoding", long},
		{"an empty body", "GET", runtime.Response{Status: 200}, "200 OK|Content-Length: 0|!Content-Type", ""},
		{"a stream is chunked", "GET", runtime.Response{Status: 200, Stream: stream("abc")}, "Transfer-Encoding: chunked|!Content-Length|!Content-Type", "abc"},
		{"a stream with a length", "GET", runtime.Response{Status: 200, Headers: fields("content-length", "3"), Stream: stream("abc")}, "Content-Length: 3|!Transfer-Encoding", "abc"},
		{"a stream with a length that is none", "GET", runtime.Response{Status: 200, Headers: fields("content-length", "+3"), Stream: stream("abc")}, "Transfer-Encoding: chunked|!Content-Length", "abc"},
		{"a wrong length of a whole body is put right", "GET", runtime.Response{Status: 200, Headers: fields("Content-Length", "99"), Body: []byte("abc")}, "Content-Length: 3", "abc"},
		{"an unknown status", "GET", runtime.Response{Status: 299}, "HTTP/1.1 299 ", ""},
		{"fields in lower case, repeated", "GET", runtime.Response{Status: 200, Headers: fields("set-cookie", "a=1", "x", " y ", "Set-Cookie", "b=2")}, "Set-Cookie: a=1\r\nSet-Cookie: b=2|X: y", ""},
		{"an empty value", "GET", runtime.Response{Status: 200, Headers: fields("X", "")}, "X: \r\n", ""},
		{"bytes over 127 in a value", "GET", runtime.Response{Status: 200, Headers: fields("X", "\xff")}, "X: \xff\r\n", ""},
		{"the connection's fields are dropped", "GET", runtime.Response{Status: 200, Headers: fields("Connection", "close", "transfer-encoding", "chunked", "Keep-Alive", "1", "upgrade", "x", "trailer", "x")}, "Content-Length: 0|!Connection|!Transfer-Encoding|!Keep-Alive|!Upgrade|!Trailer", ""},
		{"its own Date", "GET", runtime.Response{Status: 200, Headers: fields("Date", "today")}, "Date: today", ""},
		{"HEAD has the length of the body", "HEAD", runtime.Response{Status: 200, Body: []byte("abc")}, "Content-Length: 3", ""},
		{"HEAD with a length of its own", "HEAD", runtime.Response{Status: 200, Headers: fields("Content-Length", "77")}, "Content-Length: 77", ""},
		{"HEAD of a stream", "HEAD", runtime.Response{Status: 200, Stream: stream("abc")}, "200 OK|!Content-Length", ""},
		{"204 has no body", "GET", runtime.Response{Status: 204, Headers: fields("Content-Length", "3"), Body: []byte("abc")}, "204 No Content|!Content-Length|!Transfer-Encoding", ""},
		{"304 keeps the length it names", "GET", runtime.Response{Status: 304, Headers: fields("Content-Length", "3", "ETag", "x"), Body: []byte("abc")}, "304 Not Modified|Etag: x|!Transfer-Encoding", ""},
		{"304 with a stream", "GET", runtime.Response{Status: 304, Stream: stream("abc")}, "304 Not Modified|!Transfer-Encoding", ""},
		{"205 has no body", "GET", runtime.Response{Status: 205, Body: []byte("abc")}, "205 Reset Content|Content-Length: 0", ""},
	} {
		resp = c.resp
		head, body := rawExchange(t, s, c.method)
		for _, part := range strings.Split(c.head, "|") {
			part, absent := strings.CutPrefix(part, "!")
			if strings.Contains(head, part) == absent {
				t.Errorf("%s: %q there: %v, in\n%s", c.name, part, !absent, head)
			}
		}
		if body != c.body {
			t.Errorf("%s: body %q, want %q", c.name, body, c.body)
		}
	}
}

// rawExchange sends a request and a probe on one connection and gives the first answer's raw head and its body. The probe shows
// that the answer ended where it said.
func rawExchange(t *testing.T, s *running, method string) (head, body string) {
	t.Helper()
	c := s.dial(t)
	fmt.Fprintf(c, "%s / HTTP/1.1\r\nHost: a\r\n\r\n%s", method, probe)
	all, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(bytes.NewReader(all))
	resp, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%v: %q", err, all)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("%v: %q", err, all)
	}
	if _, err := http.ReadResponse(r, nil); err != nil {
		t.Errorf("the answer after: %v: %q", err, all)
	}
	head, _, _ = strings.Cut(string(all), "\r\n\r\n")
	return head + "\r\n", string(b)
}

func TestResponsesThatHTTPDoesNotAllowBecome500(t *testing.T) {
	var resp runtime.Response
	var log bytes.Buffer
	s := answering(t, Options{ResponseHeaderFieldsMax: 3, ResponseHeaderBytesMax: 100, ResponseBodyBytesMax: 10, Log: slog.New(slog.NewTextHandler(&log, nil))}, &resp)
	for _, c := range []struct {
		name string
		resp runtime.Response
		log  string
	}{
		{"a line break in a value", runtime.Response{Headers: fields("X", "secret\r\nSet-Cookie: a")}, "byte 0x0d"},
		{"a bare LF in a value", runtime.Response{Headers: fields("X", "secret\n")}, "byte 0x0a"},
		{"a NUL in a value", runtime.Response{Headers: fields("X", "secret\x00")}, "byte 0x00"},
		{"an empty name", runtime.Response{Headers: fields("", "x")}, "invalid name"},
		{"a space in a name", runtime.Response{Headers: fields("X Y", "x")}, "invalid name"},
		{"a line break in a name", runtime.Response{Headers: fields("X\r\nY", "x")}, "invalid name"},
		{"a colon in a name", runtime.Response{Headers: fields("X:", "x")}, "invalid name"},
		{"an interim status", runtime.Response{Status: 103}, "status 103"},
		{"a status that is none", runtime.Response{Status: 600}, "status 600"},
		{"too many fields", runtime.Response{Headers: fields("A", "", "B", "", "C", "", "D", "")}, "4 header fields, over the limit of 3"},
		{"too long fields", runtime.Response{Headers: fields("A", strings.Repeat("x", 100))}, "101 bytes, over the limit of 100"},
		{"too long a body", runtime.Response{Body: make([]byte, 11)}, "11 bytes, over the limit of 10"},
	} {
		log.Reset()
		resp = c.resp
		def(&resp.Status, 200)
		got, body := get(t, s.url("/"))
		if got.StatusCode != 500 || len(got.Header["X"]) > 0 || len(got.Header["Set-Cookie"]) > 0 || strings.Contains(body, "secret") {
			t.Errorf("%s: %d %v %s", c.name, got.StatusCode, got.Header, body)
		}
		if !strings.Contains(log.String(), c.log) || strings.Contains(log.String(), "secret") {
			t.Errorf("%s: log %q, want %q", c.name, log.String(), c.log)
		}
	}
}

// failing is a stream that ends in an error.
type failing struct{ io.Reader }

func (f failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == io.EOF {
		err = errors.New("the guest trapped")
	}
	return n, err
}

func (failing) Close() error { return nil }

func TestAFailedStreamIsNotMistakenForAWholeOne(t *testing.T) {
	var resp runtime.Response
	s := answering(t, Options{ResponseBodyBytesMax: 100}, &resp)
	for name, r := range map[string]runtime.Response{
		"a stream that fails":              {Stream: failing{strings.NewReader("abc")}},
		"a stream shorter than its length": {Headers: fields("Content-Length", "4"), Stream: stream("abc")},
		"a stream longer than its length":  {Headers: fields("Content-Length", "2"), Stream: stream("abc")},
		"a stream over the limit":          {Stream: stream(strings.Repeat("x", 101))},
	} {
		resp = r
		resp.Status = 200
		got, err := http.Get(s.url("/"))
		if err != nil {
			continue
		}
		if b, err := io.ReadAll(got.Body); err == nil {
			t.Errorf("%s: the client saw a whole body %q", name, b)
		}
		got.Body.Close()
	}
}

func TestAStreamIsFlushedAsItComes(t *testing.T) {
	r, w := io.Pipe()
	resp := runtime.Response{Status: 200, Stream: r}
	s := answering(t, Options{}, &resp)
	got, err := http.Get(s.url("/"))
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	for range 3 {
		w.Write([]byte("data: x\n\n"))
		b := make([]byte, 9)
		if _, err := io.ReadFull(got.Body, b); err != nil || string(b) != "data: x\n\n" {
			t.Fatalf("%q %v", b, err)
		}
	}
	w.Close()
}

// closeNoter tells when a stream is closed.
type closeNoter struct {
	io.Reader
	closed chan struct{}
}

func (c closeNoter) Close() error {
	close(c.closed)
	return nil
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestAClientThatGoesAwayClosesTheStream(t *testing.T) {
	closed := make(chan struct{})
	resp := runtime.Response{Status: 200, Stream: closeNoter{endless{}, closed}}
	s := answering(t, Options{}, &resp)
	c := s.dial(t)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	io.ReadFull(c, make([]byte, 100_000))
	c.Close()
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Error("the stream is still open")
	}
}

func TestAClientThatDoesNotReadIsCut(t *testing.T) {
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		closed := make(chan struct{})
		resp := runtime.Response{Status: 200, Stream: closeNoter{endless{}, closed}}
		s := answering(t, Options{BodyIdleTimeout: 300 * time.Millisecond}, &resp)
		if version == "HTTP/1.1" {
			io.WriteString(s.dial(t), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		} else {
			protocols := &http.Protocols{}
			protocols.SetUnencryptedHTTP2(true)
			if _, err := (&http.Transport{Protocols: protocols}).RoundTrip(must(http.NewRequest("GET", s.url("/"), nil))); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-closed:
		case <-time.After(6 * time.Second):
			t.Errorf("%s: still waiting for the client", version)
		}
	}
}
