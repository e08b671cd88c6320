package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/server"
)

// devCmd is "pagesrun dev".
type devCmd struct {
	projectFlags
	serverFlags
}

// options are those of "serve", and the routes for development.
func (c *devCmd) options(cfg *config.Config, s *reporting) server.Options {
	o := c.serverFlags.options(cfg, s)
	o.DevRoutes = s.dev
	return o
}

// watchEvery is how often the watched files are looked at. Looking at a handful of files costs nothing, works on every file system and
// needs no limit raised.
const watchEvery = 200 * time.Millisecond

// Run serves like "serve", with logs for people, and reloads when the module, the configuration or a variables file changes. Requests
// in progress finish in the old version; when the new one cannot be loaded the old one goes on. Where the configuration has a build command,
// that runs first, and again when a source changes.
func (c *devCmd) Run(ctx context.Context) error {
	s := newReporting(c.LogLevel, true)
	defer s.close()
	r, err := newRebuilder(ctx, &c.projectFlags)
	if err != nil {
		return err
	}
	p, srv, err := start(ctx, s, &c.projectFlags, c.options)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "Watching "+enumerate(p.presentFiles()))
	var building sync.WaitGroup
	if r != nil {
		fmt.Fprintln(os.Stderr, "Building again after changes in "+r.watched())
		building.Go(func() { r.watch(ctx, s.log) })
	}
	watched := make(chan *project, 1)
	go func() { watched <- c.watch(ctx, s, srv, p) }()
	err = serve(ctx, srv, p.cfg)
	building.Wait()
	return s.end(errors.Join(err, closeProject(<-watched)))
}

// watch reloads until ctx is done and gives the project that is served then.
func (c *devCmd) watch(ctx context.Context, s *reporting, srv *server.Server, p *project) *project {
	seen, stamp := fingerprint(p), p.stamps
	if stamps(p) != stamp {
		seen = [32]byte{} // changed since it was loaded
	}
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return p
		case <-ticker.C:
		}
		if stamps(p) == stamp || !settled(ctx, p) {
			continue
		}
		stamp = stamps(p)
		now := fingerprint(p)
		if now == seen {
			continue
		}
		seen = now
		next, err := c.open(ctx, s.surroundings())
		if err != nil {
			s.log.Error("not reloaded, the version before goes on: " + err.Error())
			continue
		}
		old := p
		p = next
		drained := srv.Swap(p.app)
		s.use(p.registry)
		if err := errors.Join(old.stopSources(), p.registry.Start(ctx, p.app)); err != nil {
			s.log.Error("events other than requests may not come", "cause", err)
		}
		s.log.Info(fmt.Sprintf("reloaded in %v", p.loadTime.Round(time.Millisecond)))
		go func() {
			<-drained
			if err := closeProject(old); err != nil {
				s.log.Warn("the version before did not end cleanly", "cause", err)
			}
		}()
	}
}

// settled waits until the files stop changing, so that a half-written module is not loaded.
func settled(ctx context.Context, p *project) bool {
	before := stamps(p)
	select {
	case <-ctx.Done():
		return false
	case <-time.After(watchEvery / 2):
	}
	return stamps(p) == before
}

// stamps is a cheap first look: the sizes and times of the watched files.
func stamps(p *project) string {
	var b strings.Builder
	for _, path := range p.watchedFiles() {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}

// fingerprint says whether anything that matters has changed: by content, so that a build which writes the same module again is no change.
func fingerprint(p *project) [32]byte {
	h := sha256.New()
	for _, path := range p.watchedFiles() {
		data, err := os.ReadFile(path)
		fmt.Fprintf(h, "%s %v %d\n", path, err == nil, len(data))
		h.Write(data)
	}
	return [32]byte(h.Sum(nil))
}

// watchedFiles are the module, the configuration file, the variables files and what is mounted.
func (p *project) watchedFiles() []string { return append(p.ownFiles(), p.mountedFiles()...) }

// ownFiles are the module, the configuration file and the variables files.
func (p *project) ownFiles() []string {
	files := []string{p.module}
	if p.cfg.Path != "" {
		files = append(files, p.cfg.Path)
	}
	for _, name := range []string{".dev.vars", ".env", ".env.local"} {
		files = append(files, filepath.Join(p.cfg.Dir, name))
		if p.cfg.Env != "" {
			files = append(files, filepath.Join(p.cfg.Dir, name+"."+p.cfg.Env))
		}
	}
	return append(files, p.cfg.SecretFiles...)
}

// presentFiles names those of the watched files that are there, as seen from the current directory where they are below it. The others are
// watched too: a variables file counts from the moment it is made.
func (p *project) presentFiles() []string {
	var names []string
	paths := p.ownFiles()
	for _, m := range p.cfg.Pagesrun.Mounts {
		paths = append(paths, m.Host)
	}
	for _, path := range paths {
		if _, missing := os.Stat(path); missing != nil {
			continue
		}
		if path = fromHere(path); !slices.Contains(names, path) {
			names = append(names, path)
		}
	}
	return names
}

// fromHere is path as seen from the current directory where it is below it, and as it is elsewhere.
func fromHere(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if below, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(below) {
		return below
	}
	return path
}

// enumerate gives "a", "a and b", "a, b and c".
func enumerate(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
