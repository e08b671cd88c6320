// Package build runs the build command of a project, and looks for changes after which to run it again.
package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/cmd/pagesrun/internal/build/toolchain"
	"github.com/pagesrun/pagesrun/config"
)

// What a build is for, as the command finds it in the variable WRANGLER_COMMAND.
const (
	ForDev    = "dev"
	ForDeploy = "deploy"
)

// Error is a build command that failed.
type Error struct {
	// Command is what was run.
	Command string
	// Cause is how it ended.
	Cause error
	// Missing is what the project's language needs and this machine lacks; often empty.
	Missing []toolchain.Missing
}

// Error says what failed and lists what is missing.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the build command failed: %s: %v", e.Command, e.Cause)
	for _, m := range e.Missing {
		b.WriteString("\n\n" + m.String())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// killTime is how long a build that is told to end may take to do so.
const killTime = 5 * time.Second

// Run runs the build command of a configuration that has one, with its output going to stdout and stderr as it comes. A build that fails is an [*Error];
// when ctx ends, so does the command with all it has started.
func Run(ctx context.Context, cfg *config.Config, purpose string, stdout, stderr io.Writer) error {
	b := cfg.Build
	fmt.Fprintf(stderr, "Building: %s\n", b.Command)
	if info, err := os.Stat(b.Dir); err != nil || !info.IsDir() {
		return fmt.Errorf("the build command cannot run: there is no folder %s, which %s names as cwd", b.Dir, cfg.Key("build"))
	}
	cmd := shell(ctx, b.Command)
	cmd.Dir, cmd.Stdout, cmd.Stderr = b.Dir, stdout, stderr
	cmd.Env = append(os.Environ(), "WRANGLER_COMMAND="+purpose)
	cmd.WaitDelay = killTime
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return &Error{b.Command, err, missing(ctx, cfg)}
	}
	return nil
}

// missing is what the machine lacks to build the project.
func missing(ctx context.Context, cfg *config.Config) []toolchain.Missing {
	for _, dir := range []string{cfg.Build.Dir, cfg.Dir} {
		if language := toolchain.Detect(dir, cfg.Build.Command); language != "" {
			return toolchain.Check(ctx, language, dir)
		}
	}
	return nil
}

// Made makes sure that the build has made the module it is meant to make.
func Made(cfg *config.Config) error {
	if cfg.Main == "" {
		return errors.New("the build command has run, but \"main\" does not say which module it makes: set it in " + cfg.Path)
	}
	info, err := os.Stat(cfg.Main)
	if err != nil || info.IsDir() {
		return fmt.Errorf("the build command has run, but there is no file %s: \"main\" in %s should name the module it makes", filepath.Clean(cfg.Main), cfg.Path)
	}
	return nil
}
