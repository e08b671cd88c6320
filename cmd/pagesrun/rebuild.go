package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/pagesrun/pagesrun/cmd/pagesrun/internal/build"
	"github.com/pagesrun/pagesrun/config"
)

// rebuilder keeps the module of "pagesrun dev" built.
type rebuilder struct {
	what *projectFlags
	cfg  *config.Config
	// built is what the last build was made of.
	built [32]byte
}

// newRebuilder builds the module for the first time. It is nil where there is nothing to build: without a build command, and when a module was
// named, which then is somebody else's to build.
func newRebuilder(ctx context.Context, what *projectFlags) (*rebuilder, error) {
	cfg, problems := what.load(what.bindingFlags)
	if what.Module != "" || cfg.Build.Command == "" || problems.Err() != nil {
		return nil, nil // problems are reported when the project is opened
	}
	r := &rebuilder{what: what, cfg: cfg}
	return r, r.build(ctx)
}

// build runs the build command. The sources are looked at before, so that what changes meanwhile is built next.
func (r *rebuilder) build(ctx context.Context) error {
	r.built = build.Fingerprint(r.cfg)
	if err := build.Run(ctx, r.cfg, build.ForDev, os.Stderr, os.Stderr); err != nil {
		return err
	}
	return build.Made(r.cfg)
}

// watch builds again after changes until ctx is done. The new module is found by who watches that.
func (r *rebuilder) watch(ctx context.Context, log *slog.Logger) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	var last, settled string // the stamps of the last look, and those whose files were compared with what is built
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		before := last
		if last = build.Stamps(r.cfg); last == settled || last != before {
			continue // nothing new, or still being written
		}
		settled = last
		if build.Fingerprint(r.cfg) == r.built {
			continue
		}
		r.reconfigure()
		if err := r.build(ctx); err != nil && ctx.Err() == nil {
			log.Error("not built, the version before goes on: " + err.Error())
		}
	}
}

// watched names what is watched, as seen from here.
func (r *rebuilder) watched() string {
	var names []string
	for _, path := range r.cfg.Build.Watch {
		names = append(names, fromHere(path))
	}
	return enumerate(names)
}

// reconfigure takes over what the configuration now says, if it can be used.
func (r *rebuilder) reconfigure() {
	cfg, problems := r.what.load(r.what.bindingFlags)
	if problems.Err() == nil && cfg.Build.Command != "" {
		r.cfg = cfg
	}
}
