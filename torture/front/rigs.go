package front

import (
	"context"
	"os"
	"os/exec"
	"strings"

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
		m, err := serve(ctx, e, nil)
		if err != nil {
			return nil, err
		}
		defer m.Kill()
		found, err := a(ctx, e, m)
		if err != nil {
			return found, err
		}
		stopped := m.Stop()
		return append(found, rig.Check(stopped == nil, "the server ends by itself afterwards", "status 0", "%s", said(stopped))), nil
	}
}

func said(err error) string {
	if err == nil {
		return "status 0"
	}
	return err.Error()
}

// serve starts pagesrun with the example in C, and with more arguments, through a shell that runs prepare first.
func serve(ctx context.Context, e *rig.Env, prepare []string, more ...string) (*machine.Machine, error) {
	guest, err := e.BuildScript(ctx, "examples/hello-c")
	if err != nil {
		return nil, err
	}
	script := strings.Join(append(prepare, `exec "$0" "$@"`), " && ")
	data, err := os.MkdirTemp(e.Work, "data-")
	if err != nil {
		return nil, err
	}
	args := []string{"-c", script, e.Pagesrun, "serve", guest, "--port", "0", "--admin", "127.0.0.1:0", "--log-level", "warn", "--persist-to", data}
	return machine.Boot(exec.CommandContext(ctx, "sh", append(args, more...)...))
}

// loaded stops a server under load.
func loaded(ctx context.Context, e *rig.Env) ([]rig.Finding, error) {
	m, err := serve(ctx, e, nil)
	if err != nil {
		return nil, err
	}
	defer m.Kill()
	return shutdown(ctx, m)
}
