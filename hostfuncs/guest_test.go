package hostfuncs_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/bindings"
	"github.com/pagesrun/pagesrun/hostfuncs/hosttest"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// guest is the forwarding guest and the session it runs in.
type guest struct {
	*hostfuncs.Session
	t        testing.TB
	mod      api.Module
	fns      [hosttest.FunctionCount]api.Function
	registry *hostfuncs.Registry
	limits   hostfuncs.Limits
	probe    *probe
	logged   int
	line     string // logged last
	units    int
}

func (g *guest) log(_ int, text string) { g.logged, g.line = g.logged+len(text), text }

// renew gives the guest a new session.
func (g *guest) renew() {
	g.Session = hostfuncs.NewSession(g.registry, g.limits, g, g.log, slog.New(slog.DiscardHandler))
}

// Block, Unblock and Charge implement hostfuncs.Scheduler.
func (g *guest) Block()           {}
func (g *guest) Unblock()         {}
func (g *guest) Charge(units int) { g.units += units }

func newGuest(t testing.TB, limits hostfuncs.Limits) *guest {
	t.Helper()
	p := &probe{}
	g := newGuestOf(t, openBindings(t, p), limits)
	g.probe = p
	return g
}

// newGuestOf makes a guest that can call what a registry has.
func newGuestOf(t testing.TB, registry *hostfuncs.Registry, limits hostfuncs.Limits) *guest {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithMemoryLimitPages(16))
	t.Cleanup(func() { r.Close(ctx) })
	if err := hostfuncs.Instantiate(ctx, r); err != nil {
		t.Fatal(err)
	}
	mod, err := r.Instantiate(ctx, hosttest.Forwarder())
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{t: t, mod: mod, registry: registry, limits: limits}
	for i, name := range hosttest.Functions {
		g.fns[i] = mod.ExportedFunction(name)
	}
	g.renew()
	return g
}

// invoke calls a host function. A Stop is its error; any other failure of the host ends the test.
func (g *guest) invoke(fn int, args ...uint64) (int32, error) {
	g.t.Helper()
	out, err := g.fns[fn].Call(g.Session, args...)
	var stop *hostfuncs.Stop
	switch {
	case errors.As(err, &stop):
		return 0, stop
	case err != nil:
		g.t.Fatalf("%s%v: %v", hosttest.Functions[fn], args, err)
	}
	return int32(out[0]), nil
}

// put writes bytes into the guest's memory.
func (g *guest) put(at uint32, data []byte) {
	if !g.mod.Memory().Write(at, data) {
		g.t.Fatalf("%d bytes do not fit at %d", len(data), at)
	}
}

// Places in the guest's memory.
const (
	atTarget  = 0
	atOp      = 512
	atMessage = 1024
	atReply   = 32 << 10
	replyCap  = 32 << 10
)

// start calls an operation.
func (g *guest) start(target, op string, message []byte) (int32, error) {
	g.t.Helper()
	g.put(atTarget, []byte(target))
	g.put(atOp, []byte(op))
	g.put(atMessage, message)
	return g.invoke(hosttest.Call, atTarget, uint64(len(target)), atOp, uint64(len(op)), atMessage, uint64(len(message)))
}

// finish waits for a call and gives its reply.
func (g *guest) finish(h int32) []byte {
	g.t.Helper()
	g.put(atTarget, []byte{byte(h), byte(h >> 8), byte(h >> 16), byte(h >> 24)})
	if i, err := g.invoke(hosttest.Wait, atTarget, 1, uint64(1<<64-1)); i != 0 || err != nil {
		g.t.Fatalf("wait for %d: %d, %v", h, i, err)
	}
	n, err := g.invoke(hosttest.Result, uint64(h), atReply, replyCap)
	if err != nil || n < 0 || n > replyCap {
		g.t.Fatalf("result of %d: %d, %v", h, n, err)
	}
	b, _ := g.mod.Memory().Read(atReply, uint32(n))
	return append([]byte(nil), b...)
}

// ask calls an operation and gives the code its reply has: 0 when it succeeded.
func (g *guest) ask(target, op string, message []byte) abi.Code {
	g.t.Helper()
	h, err := g.start(target, op, message)
	if h <= 0 || err != nil {
		g.t.Fatalf("call %s on %s: %d, %v", op, target, h, err)
	}
	return replyCode(g.finish(h))
}

// replyCode is the code of the error that a reply carries.
func replyCode(reply []byte) abi.Code {
	var e *abi.Error
	if errors.As(abi.DecodeReply(reply, &abi.RespondReply{}), &e) {
		return e.Code
	}
	return 0
}

// openBindings opens every binding there is, and a probe, as a configuration file would.
func openBindings(t testing.TB, p *probe) *hostfuncs.Registry {
	t.Helper()
	dir := t.TempDir()
	const toml = "name = \"test\"\ncompatibility_date = \"2026-01-01\"\n[vars]\nVAR = \"v\"\n[[kv_namespaces]]\nbinding = \"KV\"\nid = \"kv\"\n"
	for name, text := range map[string]string{"wrangler.toml": toml, ".dev.vars": "SECRET=s\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, problems := config.Load(config.Options{Dir: dir})
	if cfg == nil {
		t.Fatal(problems)
	}
	all := append(bindings.All(), p)
	resources, problems := hostfuncs.Decode(all, cfg)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	host := hostfuncs.Host{Log: slog.New(slog.DiscardHandler), DataDir: t.TempDir(), Now: time.Now, Metrics: prometheus.NewRegistry(), Durability: "relaxed"}
	r, err := hostfuncs.Open(context.Background(), all, resources, host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// probe is a binding that moves streams and behaves badly on request.
type probe struct{ open atomic.Int64 }

type probeResource struct{}

func (probeResource) BindingName() string  { return "PROBE" }
func (probeResource) Position() config.Pos { return config.Pos{} }
func (probeResource) Describe() string     { return "" }

func (*probe) Kind() string       { return "probe" }
func (*probe) Sections() []string { return nil }
func (*probe) Decode(*config.Config) ([]hostfuncs.Resource, config.Problems) {
	return []hostfuncs.Resource{probeResource{}}, nil
}
func (p *probe) Open(context.Context, hostfuncs.Host, []hostfuncs.Resource) (hostfuncs.Live, error) {
	return p, nil
}
func (*probe) Close(context.Context) error { return nil }

func (p *probe) Operations() []hostfuncs.Operation {
	return []hostfuncs.Operation{
		{Name: "probe.echo", Run: func(_ context.Context, _ *hostfuncs.Call, msg, dst []byte) ([]byte, error) {
			return append(dst, msg...), nil
		}},
		{Name: "probe.now", Immediate: true, Run: func(_ context.Context, _ *hostfuncs.Call, msg, dst []byte) ([]byte, error) {
			if len(msg) == 0 {
				return dst, &abi.Error{Code: abi.CodeInvalidArgument, Message: "nothing"}
			}
			return append(dst, msg...), nil
		}},
		{Name: "probe.brief", Brief: true, Run: func(_ context.Context, _ *hostfuncs.Call, msg, dst []byte) ([]byte, error) {
			time.Sleep(50 * time.Millisecond)
			return append(dst, msg...), nil
		}},
		{Name: "probe.slow", Run: func(ctx context.Context, _ *hostfuncs.Call, _, dst []byte) ([]byte, error) {
			<-ctx.Done()
			return dst, ctx.Err()
		}},
		hostfuncs.Op("probe.take", p.take),
		hostfuncs.Op("probe.give", p.give),
	}
}

// take reads the stream in the message to its end. KV's put request is a message with a stream in it.
func (p *probe) take(ctx context.Context, c *hostfuncs.Call, q *abi.KVPutRequest) (abi.RespondReply, error) {
	r, err := c.TakeReadable(q.Stream)
	if err != nil {
		return abi.RespondReply{}, err
	}
	stop := context.AfterFunc(ctx, func() { r.Close() })
	defer stop()
	_, err = io.Copy(io.Discard, r)
	return abi.RespondReply{}, errors.Join(err, r.Close())
}

// give gives the guest a stream.
func (p *probe) give(_ context.Context, c *hostfuncs.Call, _ *abi.RespondReply) (abi.PipeReply, error) {
	h, err := c.GiveReadable(p.stream(1000))
	return abi.PipeReply{Readable: h}, err
}

// stream is a source of n bytes that counts as open until it is closed.
func (p *probe) stream(n int) io.ReadCloser {
	p.open.Add(1)
	return &stream{p: p, left: n}
}

type stream struct {
	p      *probe
	left   int
	closed atomic.Bool
}

func (s *stream) Read(b []byte) (int, error) {
	n := min(len(b), s.left, 300)
	s.left -= n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (s *stream) Close() error {
	if !s.closed.Swap(true) {
		s.p.open.Add(-1)
	}
	return nil
}

// settle waits until a count is at most what it should be.
func settle(t testing.TB, what string, most int, count func() int) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); count() > most; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d %s are left, want %d\n%s", count(), what, most, stacks[:runtime.Stack(stacks, true)])
		}
	}
}
