package main

import (
	"context"
	"io"
	"os"
	"text/tabwriter"

	"github.com/pagesrun/pagesrun/cmd/pagesrun/internal/build"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/runtime"
)

// buildCmd is "pagesrun build".
type buildCmd struct {
	Config string `short:"c" placeholder:"FILE" help:"Configuration file (default: wrangler.json, wrangler.jsonc or wrangler.toml here or above)."`
	Env    string `short:"e" placeholder:"NAME" help:"Environment of the configuration file (or CLOUDFLARE_ENV)."`
}

// Run runs the build command of the configuration and looks at the module it has made. The exit status says whether pagesrun can serve that.
func (c *buildCmd) Run(ctx context.Context) error {
	cfg, problems := configFlags{Config: c.Config, Env: c.Env}.load(bindingFlags{})
	if err := problems.Err(); err != nil {
		return err
	}
	if err := buildable(cfg); err != nil {
		return err
	}
	if err := build.Run(ctx, cfg, build.ForDeploy, os.Stdout, os.Stderr); err != nil {
		return err
	}
	if err := build.Made(cfg); err != nil {
		return err
	}
	return inspectBuilt(os.Stdout, cfg.Main)
}

// buildable says what is missing in a configuration that does not tell how to build.
func buildable(cfg *config.Config) error {
	switch {
	case cfg.Path == "":
		return usageError("there is nothing to build: no wrangler.toml here or above. \"pagesrun new\" makes a project that has one")
	case cfg.Build.Command == "":
		return usageError(cfg.Path + " does not say how to build: add a table [build] with, for example, command = \"make\"")
	}
	return nil
}

// inspectBuilt prints what was built and whether it can be served.
func inspectBuilt(w io.Writer, path string) error {
	code, err := readModule(path)
	if err != nil {
		return err
	}
	report := runtime.Inspect(code)
	if len(report.Problems) > 0 {
		printProblems(w, report)
		return exitStatus(exitFailed)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	printHead(t, fromHere(path), report)
	err = t.Flush()
	printList(w, "exports", report.Exports)
	return err
}
