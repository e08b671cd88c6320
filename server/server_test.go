package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/runtime"
)

// fetch is a function made of a Go function.
type fetch func(context.Context, *runtime.Request) (*runtime.Response, error)

func (f fetch) Fetch(ctx context.Context, req *runtime.Request) (*runtime.Response, error) {
	return f(ctx, req)
}

func text(status int, body string, fields ...abi.Header) *runtime.Response {
	return &runtime.Response{Status: status, Headers: fields, Body: []byte(body)}
}

// wholeBody reads a request's body wherever it is.
func wholeBody(req *runtime.Request) ([]byte, error) {
	if req.Body == nil {
		return req.Fetch.Body, nil
	}
	defer req.Body.Close()
	return io.ReadAll(req.Body)
}

// echo answers with method, URL and body.
var echo fetch = func(_ context.Context, req *runtime.Request) (*runtime.Response, error) {
	body, err := wholeBody(req)
	if err != nil {
		return nil, &runtime.EventError{Outcome: runtime.OutcomeException, Status: 500, Message: "The body failed.", Cause: err}
	}
	return text(200, fmt.Sprintf("%s %s %s", req.Fetch.Method, req.Fetch.URL, body)), nil
}

// running is a server in a test.
type running struct {
	*Server
	stop func() error // drains and gives what Run returned
}

// start runs a server until the test ends.
func start(t testing.TB, opts Options, fn Function) *running {
	t.Helper()
	def(&opts.Addr, "127.0.0.1:0")
	def(&opts.AdminAddr, "off")
	s := New(opts, fn)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- s.Run(ctx) }()
	r := &running{Server: s, stop: sync.OnceValue(func() error { cancel(); return <-result })}
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *running) url(path string) string { return "http://" + r.Addr().String() + path }

// dial opens a raw connection that gives up after a while.
func (r *running) dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(10 * time.Second))
	t.Cleanup(func() { c.Close() })
	return c
}

// do sends a request with a client of its own.
func do(t testing.TB, req *http.Request) (*http.Response, string) {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func get(t testing.TB, url string) (*http.Response, string) {
	t.Helper()
	return do(t, must(http.NewRequest("GET", url, nil)))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestAnEventHoldsTheRequestAsSent(t *testing.T) {
	var got abi.FetchEvent
	s := start(t, Options{}, fetch(func(_ context.Context, req *runtime.Request) (*runtime.Response, error) {
		got = req.Fetch
		return text(200, "ok"), nil
	}))
	c := s.dial(t)
	fmt.Fprintf(c, "PATCH /a%%2Fb//c?x=1&y=%%zz HTTP/1.1\r\nHost: Example.com:80\r\nX-B: 2\r\nx-a: 1\r\nX-B: 1\r\n"+
		"CF-Connecting-IP: 6.6.6.6\r\nAccept-Encoding: br\r\nContent-Length: 3\r\n\r\nabc")
	if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
		t.Fatal(err)
	}
	want := abi.FetchEvent{
		Method: "PATCH", URL: "http://Example.com:80/a%2Fb//c?x=1&y=%zz", Body: []byte("abc"), RemoteAddr: "127.0.0.1", Protocol: "HTTP/1.1",
		Headers: []abi.Header{
			{Name: "Accept-Encoding", Value: "br"}, {Name: "Cf-Connecting-Ip", Value: "127.0.0.1"}, {Name: "Content-Length", Value: "3"},
			{Name: "Host", Value: "Example.com:80"}, {Name: "X-A", Value: "1"}, {Name: "X-B", Value: "2"}, {Name: "X-B", Value: "1"},
		},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestAddressesWithoutPortAndZone(t *testing.T) {
	for addr, want := range map[string]string{"1.2.3.4:5": "1.2.3.4", "[::1]:5": "::1", "[fe80::1%eth0]:5": "fe80::1", "@": "@"} {
		if got := ipOf(addr); got != want {
			t.Errorf("%q gives %q, want %q", addr, got, want)
		}
	}
}

func TestHostsThatWouldChangeAURL(t *testing.T) {
	for host, want := range map[string]bool{
		"a": true, "a.b:80": true, "127.0.0.1:1": true, "[::1]": true, "[::1]:80": true, "a_b": true, "a:": true,
		"": false, ":80": false, "a/b": false, "a?b": false, "a#b": false, "u@a": false, "a:80:80": false, "a:x": false, "[": false, "[]": false,
		"[::1": false, "[::1%25eth0]": false, "a b": false, "a,b": false, "a\\b": false, "é": false, "[::1]x": false,
		strings.Repeat("a", 600): false,
	} {
		if got := validHost(host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}

func FuzzHost(f *testing.F) {
	f.Add("[::1]:80")
	f.Fuzz(func(t *testing.T, host string) {
		if validHost(host) && strings.ContainsAny(host, "/?#@\\ \x00\r\n") {
			t.Errorf("%q", host)
		}
	})
}

func TestHTTP2WithPriorKnowledge(t *testing.T) {
	s := start(t, Options{}, echo)
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	defer client.CloseIdleConnections()
	for _, body := range []string{"", "short", strings.Repeat("long", 50_000)} {
		resp, err := client.Post(s.url("/p?q"), "", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := "POST " + s.url("/p?q") + " " + body; resp.ProtoMajor != 2 || string(b) != want {
			t.Errorf("%s %d bytes, want %d", resp.Proto, len(b), len(want))
		}
	}
}

func TestHTTP2RequestsAreCheckedToo(t *testing.T) {
	s := start(t, Options{HeaderFieldsMax: 20, BodyBytesMax: 1000}, echo)
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	defer client.CloseIdleConnections()
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"a URL over the limit", func(r *http.Request) { r.URL.Path = "/" + strings.Repeat("a", 16<<10) }, 414},
		{"a list of hosts", func(r *http.Request) { r.Host = "a,b" }, 400},
		{"too many fields", func(r *http.Request) {
			for i := range 30 {
				r.Header.Add("X", fmt.Sprint(i))
			}
		}, 431},
		{"a body over the limit", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(strings.Repeat("a", 2000))) }, 413},
	} {
		req := must(http.NewRequest("POST", s.url("/"), nil))
		c.change(req)
		resp, err := client.Do(req)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", c.name, resp.StatusCode, c.status)
		}
	}
}

// certificate writes a self-signed certificate and its key.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	cert := must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	certFile, keyFile = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600)
	os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))}), 0o600)
	return certFile, keyFile
}

func TestTLSServesBothVersionsAndReadsHTTP1Strictly(t *testing.T) {
	cert, key := certificate(t)
	s := start(t, Options{TLSCertFile: cert, TLSKeyFile: key}, echo)
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: proto == "HTTP/2.0"}
		client := &http.Client{Transport: transport}
		resp, err := client.Get("https://" + s.Addr().String() + "/x")
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		if resp.Proto != proto || !strings.HasPrefix(string(b), "GET https://127.0.0.1:") {
			t.Errorf("%s: %s %s", proto, resp.Proto, b)
		}
		transport.CloseIdleConnections()
	}
	c, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\nHost: a\r\n\r\n")
	answer, _ := io.ReadAll(c)
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 400 ")) {
		t.Errorf("bare LF over TLS: %q", answer)
	}
}

func TestListenErrorsAreSentences(t *testing.T) {
	taken := must(net.Listen("tcp", "127.0.0.1:0"))
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, c := range []struct {
		name, want string
		opts       Options
	}{
		{"a taken port", "port " + port + " is in use; try --port ", Options{Addr: taken.Addr().String(), AdminAddr: "off"}},
		{"no port", `"localhost" is no address to listen on: want host:port`, Options{Addr: "localhost"}},
		{"somebody else's address", "this machine has no address 192.0.2.1", Options{Addr: "192.0.2.1:0"}},
		{"no certificate", "load the TLS certificate x.pem with key y.pem: ", Options{Addr: "127.0.0.1:0", TLSCertFile: "x.pem", TLSKeyFile: "y.pem"}},
		{"a taken admin port that was asked for", "port " + port + " is in use; try --admin 127.0.0.1:", Options{Addr: "127.0.0.1:0", AdminAddr: taken.Addr().String(), AdminRequired: true}},
	} {
		if err := New(c.opts, echo).Listen(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	s := New(Options{Addr: "127.0.0.1:0", AdminAddr: taken.Addr().String()}, echo)
	if err := s.Listen(); err != nil || s.AdminAddr() != nil {
		t.Errorf("a taken default admin port: %v, %v", err, s.AdminAddr())
	}
	s.listener.Close()
}

func TestSwapDropsNothingAndTellsWhenTheOldIsDone(t *testing.T) {
	release := make(chan struct{})
	entered := make(chan struct{})
	s := start(t, Options{}, fetch(func(context.Context, *runtime.Request) (*runtime.Response, error) {
		close(entered)
		<-release
		return text(200, "old"), nil
	}))
	first := make(chan string)
	go func() { _, body := get(t, s.url("/")); first <- body }()
	<-entered
	drained := s.Swap(fetch(func(context.Context, *runtime.Request) (*runtime.Response, error) { return text(200, "new"), nil }))
	if _, body := get(t, s.url("/")); body != "new" {
		t.Errorf("after the swap: %q", body)
	}
	select {
	case <-drained:
		t.Error("drained while a request is in the old function")
	default:
	}
	close(release)
	if body := <-first; body != "old" {
		t.Errorf("the request in progress got %q", body)
	}
	<-drained
	<-s.Swap(nil)
	if resp, _ := get(t, s.url("/")); resp.StatusCode != 503 {
		t.Errorf("without a function: %d", resp.StatusCode)
	}
}

func TestSwapUnderLoadNeverUsesADrainedFunction(t *testing.T) {
	s := New(Options{}, nil)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	type closable struct {
		fetch
		mu     sync.RWMutex
		closed bool
	}
	s.Swap(&closable{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				in := s.enter()
				fn := in.fn.(*closable)
				fn.mu.RLock()
				if fn.closed {
					t.Error("entered a closed function")
				}
				fn.mu.RUnlock()
				in.leave()
			}
		})
	}
	for range 2000 {
		old := s.function.Load().fn.(*closable)
		<-s.Swap(&closable{})
		old.mu.Lock()
		old.closed = true
		old.mu.Unlock()
	}
	close(stop)
	wg.Wait()
}

func TestComplaintsAreLoggedOnceAMinute(t *testing.T) {
	var b bytes.Buffer
	c := newComplaints(slog.NewTextHandler(&b, nil))
	now := time.Now()
	for _, at := range []time.Duration{0, time.Second, 61 * time.Second} {
		c.Handle(context.Background(), slog.NewRecord(now.Add(at), slog.LevelWarn, "http: Accept error: too many open files", 0))
	}
	c.Handle(context.Background(), slog.NewRecord(now, slog.LevelWarn, "http: TLS handshake error from x", 0))
	if n := strings.Count(b.String(), "\n"); n != 2 {
		t.Errorf("%d lines, want 2:\n%s", n, b.String())
	}
}

func TestAFunctionsErrorBecomesAPage(t *testing.T) {
	var err error
	s := start(t, Options{}, fetch(func(context.Context, *runtime.Request) (*runtime.Response, error) { return nil, err }))
	err = &runtime.EventError{Outcome: runtime.OutcomeOverloaded, Status: 503, Message: "All instances are <busy>.", RetryAfter: 1500 * time.Millisecond, Cause: errors.New("secret")}
	resp, body := get(t, s.url("/"))
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "2" || resp.Header.Get("Pagesrun-Outcome") != "overloaded" || len(resp.Header.Get("Pagesrun-Event")) != runtime.EventIDChars {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	if !strings.Contains(body, "All instances are <busy>.") || strings.Contains(body, "secret") || !strings.Contains(body, resp.Header.Get("Pagesrun-Event")) {
		t.Errorf("%s", body)
	}
	req := must(http.NewRequest("GET", s.url("/"), nil))
	req.Header.Set("Accept", "text/html,*/*;q=0.8")
	resp, body = do(t, req)
	if resp.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(body, "All instances are &lt;busy&gt;.") {
		t.Errorf("%v\n%s", resp.Header, body)
	}
	err = errors.New("plain")
	if resp, body := get(t, s.url("/")); resp.StatusCode != 500 || strings.Contains(body, "plain") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}
