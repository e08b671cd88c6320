package server

import (
	"cmp"
	"net/http"
	"time"

	"github.com/pagesrun/pagesrun/runtime"
)

// ServeHTTP takes one request through the function. It is what the server's connections end in; use it directly where a
// [http.Handler] is wanted, without the strict reading and the connection limits.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, ok := w.(http.Pusher); ok { // and not r's version, which in HTTP/1 is what the client says
		s.serveHTTP2(w, r)
		return
	}
	s.serveRequest(w, r)
}

// serveRequest is ServeHTTP for any version of HTTP.
func (s *Server) serveRequest(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	if s.closing.Load() && r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
	if s.resume(w, r) {
		return
	}
	if refused := s.check(r); refused != nil {
		s.refuse(w, r, refused)
		return
	}
	if own := s.reserved(r); own != nil {
		own.ServeHTTP(w, r)
		return
	}
	ev, refused := s.newEvent(r, start)
	if refused != nil {
		s.refuse(w, r, refused)
		return
	}
	fn := s.enter()
	if fn == nil {
		s.refuse(w, r, refuseNoService)
		return
	}
	defer fn.leave()
	if r.ContentLength != 0 {
		s.serveBody(fn.fn, w, r, ev)
		return
	}
	s.serve(fn.fn, w, r, ev)
}

// serveBody is serve for a request with a body.
func (s *Server) serveBody(fn Function, w http.ResponseWriter, r *http.Request, ev *event) {
	ev.body = newBody(w, r, s.opts.BodyIdleTimeout, s.opts.BodyBytesMax)
	defer ev.body.finish()
	if r.ContentLength > 0 && r.ContentLength <= s.opts.BodyWholeBytesMax {
		whole, err := readWhole(ev.body, r.ContentLength)
		if err != nil {
			s.refuse(w, r, cmp.Or(ev.body.refusal(), refuseBroken))
			return
		}
		ev.Fetch.Body = whole
	} else {
		ev.Request.Body = ev.body
		http.NewResponseController(w).EnableFullDuplex()
	}
	s.serve(fn, w, r, ev)
}

// serve runs the event and sends its response.
func (s *Server) serve(fn Function, w http.ResponseWriter, r *http.Request, ev *event) {
	resp, err := fn.Fetch(r.Context(), &ev.Request)
	s.conclude(w, r, ev, resp, err)
}

// conclude sends what a function has made of an event. A client's fault in the request's body outweighs that.
func (s *Server) conclude(w http.ResponseWriter, r *http.Request, ev *event, resp *runtime.Response, err error) {
	if resp != nil {
		defer resp.Close()
	}
	if ev.body != nil {
		if refused := ev.body.refusal(); refused != nil {
			s.refuse(w, r, refused)
			return
		}
	}
	if err == nil {
		err = s.respond(w, r, resp)
	}
	if err != nil {
		s.fail(w, r, ev, err)
	}
}

// fail answers an event that ended without a usable response.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, ev *event, err error) {
	e := eventError(err)
	if e.Outcome == runtime.OutcomeCanceled {
		panic(http.ErrAbortHandler) // there is nobody to answer
	}
	if e.Cause == err {
		s.opts.Log.Error("response refused", "event", ev.ID, "cause", err)
	}
	eventPage(e, ev.ID).send(w, r)
}

// refuse answers a request that did not become an event, or whose body was at fault.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, refused *refusal) {
	s.metrics.refused.WithLabelValues(refused.reason).Inc()
	s.opts.Log.Debug("request refused", "reason", refused.reason, "status", refused.status, "remote", r.RemoteAddr)
	if refused.close && r.ProtoMajor == 1 {
		cut(r) // nothing net/http waits for
	}
	refusalPage(refused).send(w, r)
}
