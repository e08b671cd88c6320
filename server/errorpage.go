package server

import (
	"fmt"
	"html"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/runtime"
)

// page is an answer of the server's own. It holds nothing of the function's.
type page struct {
	status     int
	outcome    string
	message    string
	eventID    string
	retryAfter time.Duration
	close      bool
}

func eventPage(e *runtime.EventError, eventID string) page {
	status := e.Status
	if status < 400 || status > 599 {
		status = http.StatusInternalServerError
	}
	return page{status: status, outcome: string(e.Outcome), message: e.Message, eventID: eventID, retryAfter: e.RetryAfter}
}

func refusalPage(r *refusal) page {
	return page{status: r.status, outcome: r.reason, message: r.message, close: r.close}
}

// send writes the page: HTML where the client asks for it, plain text otherwise.
func (p page) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pagesrun-Outcome", p.outcome)
	if p.eventID != "" {
		h.Set("Pagesrun-Event", p.eventID)
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	if p.close && r.ProtoMajor == 1 {
		h.Set("Connection", "close")
	}
	body := p.text()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		body = p.html()
	}
	w.WriteHeader(p.status)
	w.Write([]byte(body))
}

func (p page) title() string {
	text := http.StatusText(p.status)
	if text == "" {
		text = "Error"
	}
	return fmt.Sprintf("%d %s", p.status, text)
}

func (p page) text() string {
	b := p.title() + "\n\n" + p.message + "\n\noutcome: " + p.outcome + "\n"
	if p.eventID != "" {
		b += "event: " + p.eventID + "\n"
	}
	return b
}

const pageHTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>%[1]s</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 20vh auto 0; padding: 0 1.5rem }
h1 { font-size: 1.5rem; margin: 0 0 .5rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; opacity: .7; font: .875rem/1.6 ui-monospace, monospace }
dd { margin: 0 }
</style>
<h1>%[1]s</h1>
<p>%[2]s</p>
<dl>%[3]s</dl>
`

func (p page) html() string {
	facts := "<dt>outcome</dt><dd>" + html.EscapeString(p.outcome) + "</dd>"
	if p.eventID != "" {
		facts += "<dt>event</dt><dd>" + html.EscapeString(p.eventID) + "</dd>"
	}
	return fmt.Sprintf(pageHTML, html.EscapeString(p.title()), html.EscapeString(p.message), facts)
}
