// Package pagesruntest runs a function natively in unit tests: no WebAssembly, no server, variables, secrets, KV and D1 in memory.
//
//	func TestHello(t *testing.T) {
//		f := pagesruntest.Start(t, pagesruntest.Config{KV: []string{"TODOS"}}, main)
//		r := f.Fetch("GET", "/", "")
//		if r.Status != 200 { ... }
//	}
//
// What it cannot show: limits, memory that is put back between events, the exact errors of the real bindings.
package pagesruntest

import (
	"strings"
	"sync"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/fakehost"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/host"
)

// Config is what the function finds configured.
type Config struct {
	// Vars and Secrets are the values by name.
	Vars, Secrets map[string]string
	// KV names the KV namespaces; they begin empty.
	KV []string
	// Queues and Datasets name the bindings of queue producers and Analytics Engine datasets; see [Function.Sent] and [Function.Points].
	Queues, Datasets []string
	// D1 names the D1 databases: SQLite databases in memory, which begin empty.
	D1 []string
}

// Function is a started function.
type Function struct {
	t    testing.TB
	host *fakehost.Host
}

// one lets one function run at a time: a process, like an instance, is one function.
var one sync.Mutex

// Start starts the function whose main is given: it runs main and the OnWarm functions. Tests that start functions run one after
// the other, t.Parallel or not.
func Start(t testing.TB, config Config, main func()) *Function {
	t.Helper()
	one.Lock()
	h := fakehost.New(fakehost.Config{Vars: config.Vars, Secrets: config.Secrets, KV: config.KV, D1: config.D1, Queues: config.Queues, Datasets: config.Datasets})
	host.Install(h)
	t.Cleanup(func() {
		host.Install(nil)
		one.Unlock()
	})
	pagesrun.Native().Start(main)
	return &Function{t, h}
}

// eventTimeMS is when events begin.
const eventTimeMS = 1_790_000_000_000

// Response is a whole response.
type Response struct {
	// Status is the HTTP status; 0 when the function did not respond.
	Status int
	// Header has the header fields in the function's order, as name and value.
	Header [][2]string
	// Body is the whole body.
	Body string
	// Aborted says that the function has cut the body short.
	Aborted bool
	// Log has what the function has logged, a line each.
	Log []string
}

// Get returns the first value of a header field, names compared without regard to case.
func (r *Response) Get(name string) string {
	for _, f := range r.Header {
		if strings.EqualFold(f[0], name) {
			return f[1]
		}
	}
	return ""
}

// Fetch has the function answer a request; header is name, value, name, value. A URL that begins with "/" gets the host
// localhost:8787. Fetch returns when the function is done with the event, its WaitUntil work included.
func (f *Function) Fetch(method, url, body string, header ...string) *Response {
	f.t.Helper()
	if strings.HasPrefix(url, "/") {
		url = "http://localhost:8787" + url
	}
	fetch := abi.FetchEvent{Method: method, URL: abi.ByteString(url), Body: []byte(body), RemoteAddr: "127.0.0.1", Protocol: "HTTP/1.1"}
	for i := 0; i+1 < len(header); i += 2 {
		fetch.Headers = append(fetch.Headers, abi.Header{Name: header[i], Value: abi.ByteString(header[i+1])})
	}
	f.host.Begin(&abi.Event{Kind: abi.EventFetch, ID: "test", TimeMS: eventTimeMS, Fetch: &fetch})
	pagesrun.Native().Handle()
	return f.response()
}

// response collects what the event has left.
func (f *Function) response() *Response {
	r := &Response{Log: f.Log()}
	answer := f.host.Response()
	if answer == nil {
		return r
	}
	r.Status = answer.Status
	for _, h := range answer.Headers {
		r.Header = append(r.Header, [2]string{h.Name, string(h.Value)})
	}
	body, err := answer.Body()
	r.Body, r.Aborted = string(body), err != nil
	return r
}
