package front

import (
	"context"
	"os"

	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/rig"
)

// Rigs are the instruments of this package.
func Rigs() []rig.Rig {
	return []rig.Rig{
		{Name: "idle", Question: "what do thousands of idle connections cost?", Run: against(idle)},
		{Name: "slowloris", Question: "are requests that never end cut off, and others served?", Run: against(slowloris)},
		{Name: "slow-bodies", Question: "what do clients cost that send a byte per second?", Run: against(slowBodies)},
		{Name: "h2-floods", Question: "do floods of HTTP/2 frames harm other clients?", Run: against(floods)},
		{Name: "h2spec", Question: "does the server keep to RFC 9113 and RFC 7541?", Run: against(conformance)},
		{Name: "descriptors", Question: "does it serve with few descriptors, and recover?", Run: descriptors},
		{Name: "shutdown", Question: "does a stop under load lose requests?", Run: loaded},
	}
}

// attack is an instrument for a server that serves a small function in C.
type attack func(ctx context.Context, e *rig.Env, m *machine.Machine) ([]rig.Finding, error)

// against starts a server and attacks it. It must end by itself in the end.
func against(a attack) func(context.Context, *rig.Env) ([]rig.Finding, error) {
	return func(ctx context.Context, e *rig.Env) ([]rig.Finding, error) {
		m, err := serve(ctx, e, "")
		if err != nil {
			return nil, err
		}
		defer m.Kill()
		found, err := a(ctx, e, m)
		if err != nil {
			return found, err
		}
		return append(found, rig.Ends(ends, m.Stop())), nil
	}
}

// ends is what is said of every server in the end.
const ends = "the server ends by itself afterwards"

// serve starts pagesrun with the example in C and with more arguments, after prepare, a shell script, has run.
func serve(ctx context.Context, e *rig.Env, prepare string, more ...string) (*machine.Machine, error) {
	guest, err := e.BuildScript(ctx, "examples/hello-c")
	if err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp(e.Work, "server-")
	if err != nil {
		return nil, err
	}
	return machine.Serve(ctx, machine.Options{Pagesrun: e.Pagesrun, Guest: guest, Work: work, Metrics: true, LogLevel: "warn", Prepare: prepare, More: more})
}

// loaded stops a server under load.
func loaded(ctx context.Context, e *rig.Env) ([]rig.Finding, error) {
	m, err := serve(ctx, e, "")
	if err != nil {
		return nil, err
	}
	defer m.Kill()
	return shutdown(ctx, m)
}
