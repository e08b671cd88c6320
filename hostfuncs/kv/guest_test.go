package kv

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/runtime"
	"github.com/prometheus/client_golang/prometheus"
)

// eachWay runs a test twice: with operations called directly, and by a guest.
func eachWay(t *testing.T, test func(*testing.T, *probe)) {
	t.Run("directly", func(t *testing.T) { test(t, newProbe(t)) })
	t.Run("through a guest", func(t *testing.T) {
		test(t, openGuestProbe(t, t.TempDir(), newClock(), &Resource{Binding: "NS", ID: "ns"}))
	})
}

// relay is the guest in testdata/relay.c, compiled once. A missing compiler fails the tests, since a skipped one proves nothing;
// PAGESRUN_ALLOW_SKIP=1 skips instead.
var relay = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "relay")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	compiler, err := exec.LookPath("clang-19")
	if err != nil {
		if compiler, err = exec.LookPath("clang"); err != nil {
			return nil, err
		}
	}
	sdk, out := filepath.Join("..", "..", "guest-sdk", "c"), filepath.Join(dir, "relay.wasm")
	cmd := exec.Command(compiler, "--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-Wall", "-Werror", "-Wl,--stack-first",
		"-I", sdk, "-o", out, filepath.Join("testdata", "relay.c"), filepath.Join(sdk, "pagesrun.c"))
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	return os.ReadFile(out)
})

// kept is the binding, remembering what it opened.
type kept struct {
	binding
	live hostfuncs.Live
}

// Open opens the binding.
func (k *kept) Open(ctx context.Context, host hostfuncs.Host, resources []hostfuncs.Resource) (live hostfuncs.Live, err error) {
	k.live, err = k.binding.Open(ctx, host, resources)
	return k.live, err
}

// openGuestProbe is [openProbe] with a guest in between.
func openGuestProbe(t *testing.T, dir string, c *clock, resources ...hostfuncs.Resource) *probe {
	t.Helper()
	module, err := relay()
	if err != nil && os.Getenv("PAGESRUN_ALLOW_SKIP") != "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	opened := &kept{}
	registry, err := hostfuncs.Open(t.Context(), []hostfuncs.Binding{opened}, [][]hostfuncs.Resource{resources}, hostfuncs.Host{
		Log: slog.New(slog.DiscardHandler), DataDir: dir, Now: c.Now, Metrics: prometheus.NewRegistry(), Durability: "relaxed",
	})
	if err != nil {
		t.Fatal(err)
	}
	app, err := runtime.Load(t.Context(), module, runtime.Options{Registry: registry, Limits: runtime.Limits{MemoryBytes: 512 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		app.Close(context.Background())
		registry.Close(context.Background())
	})
	p := &probe{t: t, dir: filepath.Join(dir, Kind), clock: c, target: "NS", live: opened.live}
	p.streams = &streams{readable: map[abi.Handle]io.ReadCloser{}}
	p.send = (&guest{app: app, probe: p}).send
	return p
}

// guest sends operations through an app.
type guest struct {
	app   *runtime.App
	probe *probe
}

// send makes the guest run one operation.
func (g *guest) send(op string, msg []byte) ([]byte, error) {
	q := &runtime.Request{ID: "event", Start: time.Now(), Fetch: abi.FetchEvent{Method: "POST", URL: "http://localhost/", Body: msg}}
	q.Fetch.Headers = []abi.Header{{Name: "x-op", Value: abi.ByteString(op)}, {Name: "x-target", Value: abi.ByteString(g.probe.target)}}
	var put abi.KVPutRequest
	var get abi.KVGetRequest
	switch {
	case op == abi.OpKVPut && put.DecodeCBOR(msg) == nil && put.Stream != 0:
		var err error
		if q.Body, err = g.probe.streams.TakeReadable(put.Stream); err != nil {
			return nil, err
		}
		put.Stream = 1
		g.streamed(q, put.AppendCBOR(nil))
	case op == abi.OpKVGet && get.DecodeCBOR(msg) == nil && get.Type == abi.KVStream:
		g.streamed(q, msg)
	}
	r, err := g.app.Fetch(context.Background(), q)
	if err != nil {
		return nil, err
	}
	return g.reply(r)
}

// streamed moves the message into a header.
func (g *guest) streamed(q *runtime.Request, msg []byte) {
	q.Fetch.Body = nil
	x := abi.Header{Name: "x-stream", Value: abi.ByteString(hex.EncodeToString(msg))}
	q.Fetch.Headers = []abi.Header{q.Fetch.Headers[0], x, q.Fetch.Headers[1]}
}

// reply takes the reply out of a response, as an error when it is one.
func (g *guest) reply(r *runtime.Response) ([]byte, error) {
	if r.Stream != nil && len(r.Headers) > 0 {
		return g.streamReply(r)
	}
	defer r.Close()
	b := append([]byte(nil), r.Body...)
	if r.Stream != nil {
		var err error
		if b, err = io.ReadAll(r.Stream); err != nil {
			return nil, err
		}
	}
	return b, abi.DecodeReply(b, &abi.KVPutReply{})
}

// streamReply makes the response's body a stream of the test.
func (g *guest) streamReply(r *runtime.Response) ([]byte, error) {
	for _, h := range r.Headers {
		if h.Name != "x-reply" {
			continue
		}
		b, err := hex.DecodeString(string(h.Value))
		if err != nil {
			return nil, err
		}
		var reply abi.KVGetReply
		if err := reply.DecodeCBOR(b); err != nil {
			return nil, err
		}
		reply.Stream = g.probe.streams.add(&responseBody{Reader: r.Stream, response: r})
		return reply.AppendCBOR(nil), nil
	}
	return nil, fmt.Errorf("a stream without the header x-reply")
}

// responseBody is the body of a response that is closed with it.
type responseBody struct {
	io.Reader
	response *runtime.Response
	once     sync.Once
}

// Close closes the response.
func (b *responseBody) Close() error {
	b.once.Do(b.response.Close)
	return nil
}
