package nethttp

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
)

// Handle makes h the function's answer to HTTP requests. Call it once, in main or in an init function.
func Handle(h http.Handler) {
	if h == nil {
		h = http.DefaultServeMux
	}
	pagesrun.HandleFetch(func(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
		return nil, serve(h, ctx, req)
	})
}

// serve runs one request through h.
func serve(h http.Handler, ctx *pagesrun.Context, req *pagesrun.Request) error {
	own, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := newRequest(own, req)
	if err != nil {
		return ctx.Respond(pagesrun.Text(http.StatusBadRequest, "400 Bad Request: "+err.Error()+"\n"))
	}
	w := &responseWriter{ctx: ctx, header: http.Header{}, cancel: cancel}
	if call(h, w, r) {
		w.abort()
		return nil
	}
	return w.finish()
}

// call runs the handler and reports whether it asked to cut the response.
func call(h http.Handler, w http.ResponseWriter, r *http.Request) (aborted bool) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			aborted = true
		default:
			panic(v)
		}
	}()
	h.ServeHTTP(w, r)
	return false
}

// newRequest makes the request a net/http server would have made.
func newRequest(ctx context.Context, req *pagesrun.Request) (*http.Request, error) {
	scheme, rest, _ := strings.Cut(req.URL, "://")
	host, target := rest, "/"
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, target = rest[:i], rest[i:]
	}
	if target[0] == '?' {
		target = "/" + target
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method: req.Method, URL: u, RequestURI: target, Host: host, Header: header(&req.Header),
		Proto: req.Protocol, RemoteAddr: net.JoinHostPort(req.RemoteAddr, "0"),
	}
	r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(req.Protocol)
	setBody(r, req)
	if scheme == "https" {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: u.Hostname()}
	}
	return r.WithContext(ctx), nil
}

// header copies the fields; the host has its own place in a request.
func header(from *pagesrun.Header) http.Header {
	h := make(http.Header, from.Len())
	for name, value := range from.All() {
		if name = http.CanonicalHeaderKey(name); name != "Host" {
			h[name] = append(h[name], value)
		}
	}
	return h
}

// setBody sets body and length as a server does: NoBody for none, -1 for a length nobody knows.
func setBody(r *http.Request, req *pagesrun.Request) {
	r.Body, r.ContentLength = http.NoBody, 0
	if n, known := req.Body.Len(); known {
		if n > 0 {
			r.Body, r.ContentLength = req.Body, int64(n)
		}
		return
	}
	r.Body, r.ContentLength = req.Body, -1
	if n, err := strconv.ParseInt(r.Header.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		r.ContentLength = n
	}
}
