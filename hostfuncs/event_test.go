package hostfuncs_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/prometheus/client_golang/prometheus"
)

// diary is what happened to bindings, in order.
type diary struct{ lines []string }

func (d *diary) note(line string) { d.lines = append(d.lines, line) }

// want checks what happened since the last time.
func (d *diary) want(t *testing.T, lines ...string) {
	t.Helper()
	if !slices.Equal(d.lines, lines) {
		t.Errorf("happened %q\nwant     %q", d.lines, lines)
	}
	d.lines = nil
}

// noting is a binding that keeps a diary.
type noting struct {
	*diary
	kind                       string
	permanent                  bool
	openErr, startErr, stopErr error
}

func (n *noting) Kind() string                                                  { return n.kind }
func (n *noting) Sections() []string                                            { return nil }
func (n *noting) Permanent() bool                                               { return n.permanent }
func (n *noting) Decode(*config.Config) ([]hostfuncs.Resource, config.Problems) { return nil, nil }
func (n *noting) Operations() []hostfuncs.Operation                             { return nil }
func (n *noting) Close(context.Context) error                                   { n.note("close " + n.kind); return nil }
func (n *noting) Start(hostfuncs.Dispatcher) error                              { n.note("start " + n.kind); return n.startErr }
func (n *noting) Stop(context.Context) error                                    { n.note("stop " + n.kind); return n.stopErr }
func (n *noting) Open(context.Context, hostfuncs.Host, []hostfuncs.Resource) (hostfuncs.Live, error) {
	n.note("open " + n.kind)
	return n, n.openErr
}

// Routes are one on each listener.
func (n *noting) Routes() []hostfuncs.Route {
	return []hostfuncs.Route{
		{Listener: hostfuncs.ListenerAdmin, Pattern: "/admin/" + n.kind, Handler: http.NotFoundHandler()},
		{Listener: hostfuncs.ListenerDev, Pattern: "/cdn-cgi/" + n.kind, Handler: http.NotFoundHandler()},
	}
}

// silent is a binding without events and routes.
type silent struct{ hostfuncs.Binding }

func (s silent) Open(ctx context.Context, h hostfuncs.Host, r []hostfuncs.Resource) (hostfuncs.Live, error) {
	live, err := s.Binding.Open(ctx, h, r)
	return struct{ hostfuncs.Live }{live}, err
}

// openNoting opens a, b and c with a resource each, and d, which has none; change says what is wrong with them.
func openNoting(t *testing.T, change func(b, d *noting)) (*diary, *hostfuncs.Registry, error) {
	t.Helper()
	book := &diary{}
	a, b, c, d := &noting{diary: book, kind: "a"}, &noting{diary: book, kind: "b"}, &noting{diary: book, kind: "c"}, &noting{diary: book, kind: "d"}
	change(b, d)
	one := []hostfuncs.Resource{probeResource{}}
	r, err := hostfuncs.Open(t.Context(), []hostfuncs.Binding{silent{a}, b, c, d}, [][]hostfuncs.Resource{one, one, one, nil}, hostfuncs.Host{
		Log: slog.New(slog.DiscardHandler), DataDir: t.TempDir(), Metrics: prometheus.NewRegistry(),
	})
	return book, r, err
}

func TestSourcesAreStartedAndStopped(t *testing.T) {
	boom := errors.New("boom")
	t.Run("in the order of the list, and can be started again", func(t *testing.T) {
		book, r, err := openNoting(t, func(_, d *noting) { d.permanent = true })
		if err != nil {
			t.Fatal(err)
		}
		book.want(t, "open a", "open b", "open c", "open d")
		for range 2 {
			if err := errors.Join(r.Start(t.Context(), nil), r.Stop(t.Context())); err != nil {
				t.Error(err)
			}
			book.want(t, "start b", "start c", "start d", "stop b", "stop c", "stop d")
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		book.want(t, "close d", "close c", "close b", "close a")
	})
	t.Run("not where nothing is configured, unless permanent", func(t *testing.T) {
		book, r, _ := openNoting(t, func(_, _ *noting) {})
		r.Start(t.Context(), nil)
		r.Close(t.Context())
		book.want(t, "open a", "open b", "open c", "start b", "start c", "close c", "close b", "close a")
	})
	t.Run("and all are stopped when one does not start", func(t *testing.T) {
		book, r, _ := openNoting(t, func(b, _ *noting) { b.startErr = boom })
		if err := r.Start(t.Context(), nil); !errors.Is(err, boom) {
			t.Errorf("got %v", err)
		}
		book.want(t, "open a", "open b", "open c", "start b", "stop b", "stop c")
	})
	t.Run("and all are stopped though one does not stop well", func(t *testing.T) {
		book, r, _ := openNoting(t, func(b, _ *noting) { b.stopErr = boom })
		if err := r.Stop(t.Context()); !errors.Is(err, boom) {
			t.Errorf("got %v", err)
		}
		book.want(t, "open a", "open b", "open c", "stop b", "stop c")
	})
	t.Run("and what was opened is closed when one does not open", func(t *testing.T) {
		book, _, err := openNoting(t, func(b, _ *noting) { b.openErr = boom })
		if !errors.Is(err, boom) || !strings.HasPrefix(err.Error(), "open b: ") {
			t.Errorf("got %v", err)
		}
		book.want(t, "open a", "open b", "close a")
	})
}

func TestRoutesAreOfTheirListener(t *testing.T) {
	_, r, err := openNoting(t, func(_, d *noting) { d.permanent = true })
	if err != nil {
		t.Fatal(err)
	}
	for listener, want := range map[hostfuncs.Listener][]string{
		hostfuncs.ListenerAdmin: {"/admin/b", "/admin/c", "/admin/d"},
		hostfuncs.ListenerDev:   {"/cdn-cgi/b", "/cdn-cgi/c", "/cdn-cgi/d"},
	} {
		var got []string
		for _, route := range r.Routes(listener) {
			got = append(got, route.Pattern)
		}
		if !slices.Equal(got, want) {
			t.Errorf("listener %d has %q, want %q", listener, got, want)
		}
	}
}

func TestACallWithoutAnEventCountsForItself(t *testing.T) {
	c := hostfuncs.NewCall("X", nil)
	if a, b := c.Tally(3), c.Tally(4); a != 3 || b != 7 {
		t.Errorf("the sums are %d and %d", a, b)
	}
	if n := hostfuncs.NewCall("X", nil).Tally(1); n != 1 {
		t.Errorf("another call begins at %d", n)
	}
}
