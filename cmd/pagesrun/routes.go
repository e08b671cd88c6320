package main

import (
	"net/http"
	"sync/atomic"

	"github.com/pagesrun/pagesrun/hostfuncs"
)

// routes serves what the bindings of the current project answer on one listener.
type routes struct {
	listener hostfuncs.Listener
	mux      atomic.Pointer[http.ServeMux]
}

// use takes the routes of a project's bindings, in the place of those before.
func (r *routes) use(registry *hostfuncs.Registry) {
	mux := http.NewServeMux()
	for _, route := range registry.Routes(r.listener) {
		mux.Handle(route.Pattern, route.Handler)
	}
	r.mux.Store(mux)
}

// ServeHTTP implements [http.Handler].
func (r *routes) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	mux := r.mux.Load()
	if mux == nil {
		http.NotFound(w, req)
		return
	}
	mux.ServeHTTP(w, req)
}
