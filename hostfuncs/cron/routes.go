package cron

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs"
)

// Routes make scheduled events by hand, with any method: "?cron=EXPRESSION&time=MILLISECONDS", both optional. The event is no tick: it
// is not written down, need not be configured, and runs as often as it is asked for.
func (l *live) Routes() []hostfuncs.Route {
	route := func(pattern string, handler http.HandlerFunc) hostfuncs.Route {
		return hostfuncs.Route{Listener: hostfuncs.ListenerDev, Pattern: pattern, Handler: handler}
	}
	return []hostfuncs.Route{
		route("/cdn-cgi/handler/scheduled", l.byHand),
		route("/cdn-cgi/mf/scheduled", l.byHand),
		route("/cdn-cgi/handler/", unknownHandler),
	}
}

// byHand answers "ok", or "exception" with status 500 when the handler fails or there is none.
func (l *live) byHand(w http.ResponseWriter, r *http.Request) {
	due := l.host.Now()
	if text := r.URL.Query().Get("time"); text != "" {
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			answer(w, http.StatusBadRequest, "time must be milliseconds since the Unix epoch, not "+strconv.Quote(text))
			return
		}
		due = time.UnixMilli(ms)
	}
	l.mu.Lock()
	d := l.dispatcher
	l.mu.Unlock()
	if d == nil {
		answer(w, http.StatusServiceUnavailable, "the function is not ready")
		return
	}
	switch err := d.Dispatch(r.Context(), event(r.URL.Query().Get("cron"), due)); {
	case err == nil:
		answer(w, http.StatusOK, "ok")
	case errors.Is(err, hostfuncs.ErrNotStarted):
		answer(w, http.StatusServiceUnavailable, err.Error())
	default:
		answer(w, http.StatusInternalServerError, "exception")
	}
}

func unknownHandler(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusNotFound, fmt.Sprintf(
		`"%s" is not a valid handler. Did you mean to use "/cdn-cgi/handler/scheduled" or "/cdn-cgi/handler/email"?`, r.URL.Path))
}

// answer gives a text without a line end, as the platform does.
func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write([]byte(text))
}
