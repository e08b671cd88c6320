package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/runtime"
)

// cli is every command.
type cli struct {
	New       newCmd       `cmd:"" help:"Make a project from a template."`
	Build     buildCmd     `cmd:"" help:"Run the build command of wrangler.toml and look at the module it makes."`
	Serve     serveCmd     `cmd:"" help:"Serve a function."`
	Dev       devCmd       `cmd:"" help:"Build and serve a function, and again when something changes."`
	Inspect   inspectCmd   `cmd:"" help:"Show what a module imports, exports and would be refused for."`
	KV        kvCmd        `cmd:"" name:"kv" help:"Read and write KV namespaces."`
	Analytics analyticsCmd `cmd:"" help:"Ask Analytics Engine datasets."`
	D1        d1Cmd        `cmd:"" name:"d1" help:"Run SQL in D1 databases; change, export and import them."`
	Queues    queuesCmd    `cmd:"" help:"Show queues, send messages, look at them and remove them."`
	Version   versionCmd   `cmd:"" help:"Show the version."`
	Help      helpCmd      `cmd:"" help:"Show the help of a command."`

	ShowVersion kong.VersionFlag `name:"version" help:"Show the version."`
}

// helpCmd is "pagesrun help".
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"Command to explain; all when none is named."`
}

// Run shows what --help shows.
func (c *helpCmd) Run(k *kong.Kong) error {
	if _, err := k.Parse(append(c.Command, "--help")); err != nil {
		return usageError(err.Error())
	}
	return nil
}

// Exit statuses.
const (
	exitFailed = 1 // the command did not do what it was asked
	exitUsage  = 2 // it was not asked well: flags, configuration, or the module
)

func main() {
	os.Exit(run(os.Args[1:]))
}

// run parses and runs one command, and turns its error into an exit status.
func run(args []string) int {
	var commands cli
	parser := kong.Must(&commands,
		kong.Name("pagesrun"),
		kong.Description("Serve functions compiled to WebAssembly, in any language, with the bindings of the Cloudflare developer platform."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"version": versionLine()},
	)
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pagesrun:", err)
		fmt.Fprintln(os.Stderr, "Run \"pagesrun --help\" for the commands and flags.")
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(); err != nil {
		return report(err)
	}
	return 0
}

// report shows an error and gives the exit status for it.
func report(err error) int {
	var problems config.Problems
	var silent exitStatus
	var usage usageError
	var load *runtime.LoadError
	switch {
	case errors.As(err, &silent):
		return int(silent)
	case errors.As(err, &problems):
		fmt.Fprintln(os.Stderr, "pagesrun: the configuration cannot be used")
		for _, p := range problems {
			fmt.Fprintln(os.Stderr, "  "+p.Error())
		}
		return exitUsage
	}
	fmt.Fprintln(os.Stderr, "pagesrun:", err)
	if errors.As(err, &usage) || errors.As(err, &load) {
		return exitUsage
	}
	return exitFailed
}

// usageError is a mistake in how the command was called.
type usageError string

// Error gives the sentence.
func (e usageError) Error() string { return string(e) }

// exitStatus is an error that has been shown already.
type exitStatus int

// Error is never shown.
func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }
