package server

import (
	"net/http"
	"strings"
)

// reservedPrefix is the part of the URL space that development routes have to themselves.
const reservedPrefix = "/cdn-cgi/"

// reserved gives the handler of a development route, nil when the request is the function's.
func (s *Server) reserved(r *http.Request) http.Handler {
	if s.opts.DevRoutes == nil || !strings.HasPrefix(r.URL.Path, reservedPrefix) {
		return nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !adminHost(r.Host, true) || crossSite(r) {
			plain(w, http.StatusForbidden, "paths below "+reservedPrefix+" answer this machine only")
			return
		}
		s.opts.DevRoutes.ServeHTTP(w, r)
	})
}

// crossSite says whether a browser sent the request for a page of another origin.
func crossSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}
