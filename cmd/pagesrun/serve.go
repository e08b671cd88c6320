package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/server"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// serverFlags say where to serve and what to log.
type serverFlags struct {
	Port     int    `short:"p" placeholder:"N" help:"Port to serve on (default 8787); 0 picks a free one."  default:"-1"`
	IP       string `name:"ip" placeholder:"ADDRESS" help:"Address to serve on (default 127.0.0.1); 0.0.0.0 for every address."`
	Admin    string `placeholder:"HOST:PORT" help:"Listener for /metrics, /healthz, /readyz and pprof, or \"off\" (default 127.0.0.1:9787)."`
	TLSCert  string `placeholder:"FILE" help:"Serve TLS with this certificate (PEM)."`
	TLSKey   string `placeholder:"FILE" help:"The certificate's key (PEM)."`
	LogLevel string `enum:"debug,info,warn,error,none" default:"info" help:"What to log: debug, info, warn, error or none."`
}

// Validate refuses what is no port. -1 stands for "not given".
func (f serverFlags) Validate() error {
	if f.Port < -1 || f.Port > 65535 {
		return fmt.Errorf("--port must be between 0 and 65535, not %d", f.Port)
	}
	return nil
}

// address is where to serve: flags win over the file's "dev" table, which wins over the default.
func (f serverFlags) address(cfg *config.Config) string {
	host := cmp.Or(f.IP, cfg.Dev.IP, "127.0.0.1")
	port := f.Port
	if port < 0 {
		port = cmp.Or(cfg.Dev.Port, 8787)
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// options makes the server's options of the flags and the configuration.
func (f serverFlags) options(cfg *config.Config, s *reporting) server.Options {
	h, l := cfg.Pagesrun.HTTP, cfg.Pagesrun.Limits
	ms := func(v int64) time.Duration { return time.Duration(v) * time.Millisecond }
	return server.Options{
		Addr: f.address(cfg), AdminAddr: cmp.Or(f.Admin, cfg.Pagesrun.Admin), AdminRequired: f.Admin != "" || cfg.Pagesrun.Admin != "",
		TLSCertFile: f.TLSCert, TLSKeyFile: f.TLSKey,
		HeaderTimeout: ms(h.HeaderTimeoutMS), IdleTimeout: ms(h.IdleTimeoutMS), BodyIdleTimeout: ms(h.BodyIdleTimeoutMS), DrainTimeout: ms(h.DrainTimeoutMS),
		URLBytesMax: int(h.URLBytes), HeaderBytesMax: int(h.HeaderBytes), HeaderFieldsMax: int(h.HeadersCount),
		BodyBytesMax: l.RequestBodyBytes, ResponseBodyBytesMax: l.ResponseBodyBytes,
		Log: s.log, Metrics: s.metrics, AdminRoutes: s.admin,
	}
}

// serveCmd is "pagesrun serve".
type serveCmd struct {
	projectFlags
	serverFlags
}

// Run serves until a signal comes, finishes what is in progress and closes the bindings.
func (c *serveCmd) Run(ctx context.Context) error {
	s := newReporting(c.LogLevel, false)
	defer s.close()
	p, srv, err := start(ctx, s, &c.projectFlags, c.serverFlags.options)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { p.stopSources() })()
	err = serve(ctx, srv, p.cfg)
	return s.end(errors.Join(err, closeProject(p)))
}

// serve serves until ctx is done, and says then what the process is waiting for.
func serve(ctx context.Context, srv *server.Server, cfg *config.Config) error {
	told := make(chan struct{})
	goesOn := context.AfterFunc(ctx, func() {
		limit := time.Duration(cfg.Pagesrun.HTTP.DrainTimeoutMS) * time.Millisecond
		fmt.Fprintf(os.Stderr, "Stopping: finishing the requests in progress, for at most %v; a second signal ends them at once\n", limit)
		close(told)
	})
	err := srv.Run(ctx)
	if !goesOn() {
		<-told
	}
	return err
}

// start loads the project, opens the ports, has the bindings bring their events and says so.
func start(ctx context.Context, s *reporting, what *projectFlags, options func(*config.Config, *reporting) server.Options) (*project, *server.Server, error) {
	p, err := what.open(context.WithoutCancel(ctx), s.surroundings())
	if err != nil {
		return nil, nil, err
	}
	srv := server.New(options(p.cfg, s), p.app)
	s.use(p.registry)
	err = srv.Listen()
	if err == nil {
		err = p.registry.Start(ctx, p.app)
	}
	if err != nil {
		return nil, nil, errors.Join(err, closeProject(p))
	}
	announce(p, srv)
	return p, srv, nil
}

// closeTime bounds how long work that outlives its response may hold up the end of the process.
const closeTime = 30 * time.Second

func closeProject(p *project) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := p.close(ctx); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

// announce tells the person at the terminal what is served where.
func announce(p *project, srv *server.Server) {
	for _, line := range p.describe() {
		fmt.Fprintln(os.Stderr, line)
	}
	fmt.Fprintf(os.Stderr, "\nServing on %s\n", srv.URL())
	if admin := srv.AdminAddr(); admin != nil {
		fmt.Fprintf(os.Stderr, "Metrics on http://%s/metrics\n", admin)
	}
}

// newMetrics makes the registry behind /metrics.
func newMetrics() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}
