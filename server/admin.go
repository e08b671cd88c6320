package server

import (
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// admin is the second listener, for the people and machines that run the server.
type admin struct {
	net.Listener
	http *http.Server
}

// listenAdmin opens the admin address. A taken port is an error only when the address was asked for.
func (s *Server) listenAdmin() error {
	if s.opts.AdminAddr == "off" {
		return nil
	}
	l, err := listen(s.opts.AdminAddr, "--admin 127.0.0.1:%s")
	if err != nil && (s.opts.AdminRequired || !portTaken(err)) {
		return err
	}
	if err != nil {
		s.opts.Log.Warn("no admin listener: its port is in use; choose another with --admin", "addr", s.opts.AdminAddr)
		return nil
	}
	s.admin = &admin{Listener: l, http: &http.Server{
		Handler:           guard(isLoopback(l.Addr()), s.adminHandler()),
		ReadHeaderTimeout: s.opts.HeaderTimeout,
		IdleTimeout:       s.opts.IdleTimeout,
		WriteTimeout:      5 * time.Minute, // profiles take their time
		MaxHeaderBytes:    8 << 10,
	}}
	return nil
}

// AdminAddr is the admin listener's address, nil when there is none; after [Server.Listen].
func (s *Server) AdminAddr() net.Addr {
	if s.admin == nil {
		return nil
	}
	return s.admin.Addr()
}

func (a *admin) serve() { a.http.Serve(a.Listener) }

func (a *admin) close() { a.http.Close() }

func (s *Server) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.opts.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	if s.opts.AdminRoutes != nil {
		for _, path := range []string{"/metrics", "/healthz", "/readyz", "/debug/pprof/"} {
			mux.HandleFunc(path, readOnly) // not the catch-all below
		}
		mux.Handle("/", s.opts.AdminRoutes)
	}
	return mux
}

// readOnly answers methods other than GET and HEAD.
func readOnly(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Allow", "GET, HEAD")
	plain(w, http.StatusMethodNotAllowed, "only GET and HEAD are allowed")
}

// readyz says whether requests should be sent here.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := s.ready(); err != nil {
		plain(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	plain(w, http.StatusOK, "ready")
}

var (
	errDraining   = errors.New("draining")
	errNoFunction = errors.New("no function")
)

func (s *Server) ready() error {
	switch {
	case s.draining.Load():
		return errDraining
	case s.function.Load() == nil:
		return errNoFunction
	case s.opts.Ready != nil:
		return s.opts.Ready()
	}
	return nil
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write([]byte(text + "\n"))
}

// guard keeps web pages away from the admin listener: a page can only reach it by its own name (DNS rebinding), which is refused, or across
// origins, which browsers say. Names are refused altogether but for localhost; with a loopback listener so are other addresses.
func guard(loopbackOnly bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !adminHost(r.Host, loopbackOnly):
			plain(w, http.StatusForbidden, "the admin listener does not answer to this Host")
		case crossSite(r):
			plain(w, http.StatusForbidden, "the admin listener does not answer other sites")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func adminHost(host string, loopbackOnly bool) bool {
	name, _ := splitPort(host)
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return ip != nil && (ip.IsLoopback() || !loopbackOnly)
}

func isLoopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}
