package observe

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/pagesrun/pagesrun/runtime"
)

// pretty writes lines for a person.
type pretty struct{ color bool }

// Colors, as ANSI escape parameters.
const (
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (p *pretty) paint(b []byte, color, text string) []byte {
	return p.finish(append(p.begin(b, color), text...), color)
}

// begin starts a color.
func (p *pretty) begin(b []byte, color string) []byte {
	if !p.color || color == "" {
		return b
	}
	return append(append(append(b, "\x1b["...), color...), 'm')
}

// finish ends what begin started.
func (p *pretty) finish(b []byte, color string) []byte {
	if !p.color || color == "" {
		return b
	}
	return append(b, "\x1b[0m"...)
}

func (p *pretty) clock(b []byte, now time.Time) []byte {
	return append(p.paint(b, dim, now.Format("15:04:05")), ' ')
}

// appendEvent gives "12:34:56 GET /todos 200 1.2ms (cpu 0.3ms)" and what went wrong, with the event's id: the client has been told it.
func (p *pretty) appendEvent(b []byte, now time.Time, _ slog.Level, e *runtime.Report) []byte {
	b = p.clock(b, now)
	b = append(p.appendSubject(b, e), ' ')
	b = append(b, short(e.Duration)...)
	b = append(b, ' ')
	b = p.paint(b, dim, "(cpu "+short(e.CPU)+")")
	if e.Outcome != runtime.OutcomeOK {
		b = append(b, ' ')
		b = p.paint(b, red, string(e.Outcome))
	}
	if e.Outcome != runtime.OutcomeOK || e.Status >= 500 {
		b = append(b, ' ')
		b = p.paint(b, dim, "(event "+e.ID+")")
	}
	if e.Err != nil {
		b = append(b, ' ')
		b = appendLines(b, e.Err.Error(), continuation)
	}
	return append(b, '\n')
}

// appendSubject gives "GET /todos 200" of a request, "queue orders, 10 messages" of another event.
func (p *pretty) appendSubject(b []byte, e *runtime.Report) []byte {
	if e.Request == nil {
		return appendPrintable(b, e.Detail)
	}
	b = append(b, e.Request.Fetch.Method...)
	b = append(b, ' ')
	b = appendPrintable(b, pathOf(string(e.Request.Fetch.URL)))
	b = append(b, ' ')
	return p.paint(b, statusColor(e.Status), strconv.Itoa(e.Status))
}

// appendGuest gives "12:34:56 1ng4zq80b30000001 | text". The id is that of the event the guest worked on, the number its client is told
// should the event fail; a text of several lines goes on under the bar.
func (p *pretty) appendGuest(b []byte, now time.Time, level slog.Level, g guestLine) []byte {
	b = p.clock(b, now)
	b = appendPrintable(p.begin(b, dim), g.event)
	b = append(p.finish(b, dim), ' ')
	b = p.paint(b, levelColor(level), "|")
	b = append(b, ' ')
	if !strings.Contains(g.text, "\n") {
		return append(appendPrintable(b, g.text), '\n')
	}
	indent := string(p.paint([]byte(strings.Repeat(" ", len("12:34:56 ")+len(g.event)+1)), levelColor(level), "|")) + " "
	return append(appendLines(b, g.text, indent), '\n')
}

func (p *pretty) dropped(n int) []byte {
	return append(p.paint(p.clock(nil, time.Now()), yellow, droppedMessage(n)), '\n')
}

// continuation is what the second and later lines of a text begin with, so that none can be taken for an entry of its own.
const continuation = "    "

// appendLines appends text of any number of lines, every one after the first with the indent before it. Line ends at the end are left out.
func appendLines(b []byte, s, indent string) []byte {
	s = strings.TrimRight(s, "\r\n")
	for {
		line, rest, more := strings.Cut(s, "\n")
		b = appendPrintable(b, strings.TrimSuffix(line, "\r"))
		if !more {
			return b
		}
		b = append(append(b, '\n'), indent...)
		s = rest
	}
}

// appendPrintable appends text without anything that could steer the terminal.
func appendPrintable(b []byte, s string) []byte {
	for _, c := range s {
		if c < ' ' && c != '\t' || c >= 0x7f && c < 0xa0 {
			c = '\uFFFD'
		}
		b = utf8.AppendRune(b, c)
	}
	return b
}

func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

func statusColor(status int) string {
	switch {
	case status >= 500:
		return red
	case status >= 400:
		return yellow
	case status >= 300:
		return cyan
	}
	return green
}

func levelColor(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return red
	case level >= slog.LevelWarn:
		return yellow
	case level >= slog.LevelInfo:
		return cyan
	}
	return dim
}

func (p *pretty) handler(l *Log) slog.Handler {
	h := &prettyHandler{p: p, l: l, buf: &bytes.Buffer{}, mu: &sync.Mutex{}}
	h.attrs = slog.NewTextHandler(h.buf, &slog.HandlerOptions{Level: l.opts.Level, ReplaceAttr: withoutBuiltins})
	return h
}

// prettyHandler is the pretty form of lines that are not events': "12:34:56 text key=value".
type prettyHandler struct {
	p     *pretty
	l     *Log
	attrs slog.Handler // writes key=value pairs to buf
	buf   *bytes.Buffer
	mu    *sync.Mutex
}

// withoutBuiltins leaves only a line's own attributes to the text handler.
func withoutBuiltins(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
		return slog.Attr{}
	}
	return a
}

// Enabled reports whether lines of the level are written.
func (h *prettyHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.l.opts.Level.Level()
}

// Handle writes one line.
func (h *prettyHandler) Handle(ctx context.Context, r slog.Record) error {
	b := h.p.clock(nil, r.Time)
	color := levelColor(r.Level)
	if r.Level == slog.LevelInfo {
		color = ""
	}
	first, rest, several := strings.Cut(r.Message, "\n")
	b = h.p.finish(appendPrintable(h.p.begin(b, color), first), color)
	h.mu.Lock()
	h.buf.Reset()
	err := h.attrs.Handle(ctx, r)
	pairs := bytes.TrimSpace(h.buf.Bytes())
	if len(pairs) > 0 {
		b = h.p.paint(append(b, ' '), dim, string(pairs))
	}
	h.mu.Unlock()
	if several {
		b = appendLines(append(b, "\n"+continuation...), rest, continuation)
	}
	h.l.Write(append(b, '\n'))
	return err
}

// WithAttrs gives a handler whose lines have these attributes too.
func (h *prettyHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = h.attrs.WithAttrs(attrs)
	return &with
}

// WithGroup gives a handler that puts a line's attributes into a group.
func (h *prettyHandler) WithGroup(name string) slog.Handler {
	with := *h
	with.attrs = h.attrs.WithGroup(name)
	return &with
}
