package machine

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
)

// Options say how pagesrun is to serve a function. It listens on a port of its own choosing.
type Options struct {
	// Pagesrun is the program, Guest the function's module.
	Pagesrun, Guest string
	// Work is a directory for this server's files. Servers that run one after the other may have the same.
	Work string
	// Config is the text of the configuration; without one pagesrun serves by its defaults.
	Config string
	// Data is the data directory; "data" in Work where it is empty.
	Data string
	// Metrics opens the admin listener, which [Machine.Metrics] needs.
	Metrics bool
	// LogLevel is the least that is logged; pagesrun's default where it is empty.
	LogLevel string
	// Prepare is shell script that runs first, in the process that becomes pagesrun: limits, a control group. Nothing is served where it fails.
	Prepare string
	// More are arguments beside these.
	More []string
}

// Serve starts pagesrun and returns when it serves. It is killed when ctx ends.
func Serve(ctx context.Context, o Options) (*Machine, error) {
	args, err := o.args()
	if err != nil {
		return nil, err
	}
	if o.Prepare == "" {
		return Boot(exec.CommandContext(ctx, o.Pagesrun, args...))
	}
	return Boot(exec.CommandContext(ctx, "sh", append([]string{"-c", o.Prepare + ` && exec "$0" "$@"`, o.Pagesrun}, args...)...))
}

// args are pagesrun's arguments. The configuration they name is written.
func (o Options) args() ([]string, error) {
	admin := "off"
	if o.Metrics {
		admin = "127.0.0.1:0"
	}
	args := []string{"serve", o.Guest, "--port", "0", "--admin", admin, "--persist-to", cmp.Or(o.Data, filepath.Join(o.Work, "data"))}
	if o.LogLevel != "" {
		args = append(args, "--log-level", o.LogLevel)
	}
	if o.Config == "" {
		return append(args, o.More...), nil
	}
	file := filepath.Join(o.Work, "wrangler.toml")
	return append(append(args, "--config", file), o.More...), os.WriteFile(file, []byte(o.Config), 0o600)
}
