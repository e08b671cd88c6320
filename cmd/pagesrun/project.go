package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/bindings"
	"github.com/pagesrun/pagesrun/runtime"
	"github.com/pagesrun/pagesrun/runtime/wasi"
	"github.com/prometheus/client_golang/prometheus"
)

// projectFlags say what to serve.
type projectFlags struct {
	configFlags
	bindingFlags
	Module        string `arg:"" optional:"" name:"app.wasm" help:"The module to serve (default: \"main\" of the configuration file)."`
	PortableReset bool   `help:"Reset instances in the way that works on every system, even where a faster one is there."`
}

// project is a loaded function with its configuration and bindings.
type project struct {
	cfg       *config.Config
	module    string
	dataDir   string
	resources [][]hostfuncs.Resource
	registry  *hostfuncs.Registry
	app       *runtime.App
	loadTime  time.Duration
	stamps    string // of the watched files before they were read
}

// surroundings are what a project reports to.
type surroundings struct {
	log      *slog.Logger
	observer runtime.Observer
	metrics  prometheus.Registerer
	shared   *hostfuncs.Shared
}

// configure reads the configuration and decodes every binding's part of it. All problems come back at once.
func (f *projectFlags) configure(log *slog.Logger) (*project, error) {
	cfg, problems := f.load(f.bindingFlags)
	resources, more := hostfuncs.Decode(bindings.All(), cfg)
	problems = append(problems, more...)
	problems.Sort()
	for _, p := range problems {
		if p.Warning {
			log.Warn(p.Error())
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	module := f.Module
	if module == "" {
		module = cfg.Main
	}
	if module == "" {
		return nil, usageError("nothing to serve: name a module (pagesrun serve app.wasm) or set \"main\" in wrangler.toml")
	}
	return &project{cfg: cfg, module: module, dataDir: f.dataDir(cfg), resources: resources}, nil
}

// open opens the bindings and loads the module.
func (f *projectFlags) open(ctx context.Context, s surroundings) (*project, error) {
	start := time.Now()
	p, err := f.configure(s.log)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(p.module); errors.Is(err, os.ErrNotExist) && f.Module == "" && p.cfg.Build.Command != "" {
		return nil, usageError(fmt.Sprintf("there is no file %s yet: \"pagesrun build\" makes it", fromHere(p.module)))
	}
	p.stamps = stamps(p)
	code, err := readModule(p.module)
	if err != nil {
		return nil, err
	}
	p.registry, err = hostfuncs.Open(ctx, bindings.All(), p.resources, hostfuncs.Host{
		Log: s.log, DataDir: p.dataDir, Now: time.Now, Metrics: s.metrics, Durability: p.cfg.Pagesrun.Durability,
		Shared: s.shared,
	})
	if err != nil {
		return nil, err
	}
	patience := time.AfterFunc(time.Second, func() {
		fmt.Fprintf(os.Stderr, "compiling %s; the result is kept for the next start\n", p.module)
	})
	defer patience.Stop()
	ours := p.cfg.Pagesrun
	p.app, err = runtime.Load(ctx, code, runtime.Options{
		Registry: p.registry, Limits: limits(ours.Limits), Isolation: runtime.Isolation(ours.Isolation),
		Args: ours.Args, Env: p.environ(), CommandImage: runtime.CommandImage(ours.CGIImage), Mounts: mounts(ours.Mounts),
		CacheDir: cacheDir(p.dataDir, s.log), PortableReset: f.PortableReset, Observer: s.observer, Log: s.log,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", p.module, err), p.registry.Close(ctx))
	}
	tuneGC()
	p.loadTime = time.Since(start)
	return p, nil
}

// environ gives the variables and secrets as environment variables, for WASI commands. A secret takes the place of a variable of the same name.
func (p *project) environ() []string {
	values := map[string]string{}
	for _, of := range p.resources {
		for _, r := range of {
			if v, ok := r.(interface{ Environ() string }); ok {
				values[r.BindingName()] = v.Environ()
			}
		}
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		env = append(env, name+"="+values[name])
	}
	return env
}

// mounts takes the configured mounts over into the runtime's.
func mounts(list []config.Mount) []wasi.Mount {
	var mounts []wasi.Mount
	for _, m := range list {
		mounts = append(mounts, wasi.Mount{Guest: m.Guest, Host: m.Host})
	}
	return mounts
}

// close waits for running events until ctx ends, then closes the bindings.
func (p *project) close(ctx context.Context) error {
	return errors.Join(p.registry.Stop(ctx), p.app.Close(ctx), p.registry.Close(ctx))
}

// stopSourcesTime is how long events that bindings have brought may take to end before others take over.
const stopSourcesTime = 10 * time.Second

// stopSources has the bindings bring no more events, and waits a moment for those that run.
func (p *project) stopSources() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopSourcesTime)
	defer cancel()
	return p.registry.Stop(ctx)
}

// readModule reads the module, with the usual mistakes named.
func readModule(path string) ([]byte, error) {
	code, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, usageError(fmt.Sprintf("there is no file %s: build the function first", path))
	case err != nil:
		return nil, err
	}
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".js", ".mjs", ".ts", ".tsx", ".jsx":
		return nil, usageError(path + " is source code: pagesrun serves WebAssembly modules; point \"main\" to a .wasm file")
	}
	return code, nil
}

// limits takes the configured limits over into the runtime's.
func limits(l config.Limits) runtime.Limits {
	ms := func(v int64) time.Duration { return time.Duration(v) * time.Millisecond }
	return runtime.Limits{
		CPU: ms(l.CPUMS), Wall: ms(l.WallMS), Background: ms(l.BackgroundWallMS), Startup: ms(l.StartupMS), Compile: runtime.DefaultLimits().Compile,
		MemoryBytes: uint64(l.MemoryMB) << 20, Handles: int(l.Handles), Operations: int(l.Operations), LogBytes: int(l.LogBytes),
		Instances: int(l.Concurrency), Queue: int(l.Queue), QueueWait: ms(l.QueueWaitMS),
		InstanceEvents: int(l.InstanceEventsMax), ResidentBytes: int(l.ResidentBytes), OpenFiles: int(l.OpenFiles),
	}
}

// describe lists what was loaded, for the person at the terminal.
func (p *project) describe() []string {
	name := cmp.Or(p.cfg.Name, strings.TrimSuffix(filepath.Base(p.module), ".wasm"))
	lines := []string{fmt.Sprintf("%s from %s, ready in %v; %s", name, p.module, p.loadTime.Round(time.Millisecond), p.beginning())}
	if p.cfg.Path != "" {
		lines = append(lines, "configuration  "+p.cfg.Path)
	}
	dir, err := filepath.Abs(p.dataDir)
	if err != nil {
		dir = p.dataDir
	}
	lines = append(lines, "data           "+dir)
	for i, kind := range bindings.All() {
		for _, r := range p.resources[i] {
			lines = append(lines, fmt.Sprintf("%-14s %s", kind.Kind(), strings.TrimSpace(r.BindingName()+" "+r.Describe())))
		}
	}
	return lines
}

// beginning says what an event begins with.
func (p *project) beginning() string {
	switch {
	case p.cfg.Pagesrun.Isolation == string(runtime.IsolationInstance):
		return "instances are kept from event to event"
	case p.app.Backend() == "fresh":
		return "every event starts in a new instance"
	}
	return fmt.Sprintf("every event starts from an image of %d KiB (%s)", p.app.ImageBytes()>>10, p.app.Backend())
}
