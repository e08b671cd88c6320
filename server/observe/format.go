package observe

import (
	"log/slog"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/pagesrun/pagesrun/runtime"
)

// formatter gives lines one form. The append methods are the quick way for the lines every event has; their output is what
// the handler would write.
type formatter interface {
	handler(*Log) slog.Handler
	appendEvent(b []byte, now time.Time, level slog.Level, e *runtime.Report) []byte
	appendGuest(b []byte, now time.Time, level slog.Level, g guestLine) []byte
	dropped(n int) []byte
}

// guestLine is one line a guest wrote.
type guestLine struct{ event, source, text string }

func newFormatter(opts LogOptions) formatter {
	switch opts.Format {
	case FormatPretty:
		return &pretty{color: opts.Color}
	case FormatText:
		return &structured{form: textForm{}}
	}
	return &structured{form: jsonForm{}}
}

// form is how a structured line is put together.
type form interface {
	handler(*Log) slog.Handler
	begin(b []byte, now time.Time, level slog.Level, msg string) []byte
	text(b []byte, key, value string) []byte
	number(b []byte, key string, value int64) []byte
	flag(b []byte, key string, value bool) []byte
	end(b []byte) []byte
}

// structured writes lines for machines.
type structured struct{ form }

func (s *structured) appendEvent(b []byte, now time.Time, level slog.Level, e *runtime.Report) []byte {
	f := s.form
	b = f.begin(b, now, level, "event")
	b = f.text(b, "event", e.Request.ID)
	b = f.text(b, "method", e.Request.Fetch.Method)
	b = f.text(b, "path", pathOf(string(e.Request.Fetch.URL)))
	b = f.number(b, "status", int64(e.Status))
	b = f.text(b, "outcome", string(e.Outcome))
	b = f.number(b, "duration_us", e.Duration.Microseconds())
	b = f.number(b, "cpu_us", e.CPU.Microseconds())
	b = f.number(b, "fuel", e.Fuel)
	b = f.number(b, "memory", e.MemoryBytes)
	b = f.flag(b, "reused", e.Reused)
	if e.Discarded != "" {
		b = f.text(b, "discarded", e.Discarded)
	}
	if e.Err != nil {
		b = f.text(b, "error", e.Err.Error())
	}
	return f.end(b)
}

func (s *structured) appendGuest(b []byte, now time.Time, level slog.Level, g guestLine) []byte {
	b = s.begin(b, now, level, g.text)
	b = s.text(b, "event", g.event)
	b = s.text(b, "source", g.source)
	return s.end(b)
}

func (s *structured) dropped(n int) []byte {
	return s.end(s.begin(nil, time.Now(), slog.LevelWarn, droppedMessage(n)))
}

// jsonForm is slog.JSONHandler's.
type jsonForm struct{}

func (jsonForm) handler(l *Log) slog.Handler {
	return slog.NewJSONHandler(l, &slog.HandlerOptions{Level: l.opts.Level})
}

func (jsonForm) begin(b []byte, now time.Time, level slog.Level, msg string) []byte {
	b = append(b, `{"time":"`...)
	b = now.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","level":"`...)
	b = append(b, level.String()...)
	b = append(b, `","msg":`...)
	return appendJSON(b, msg)
}

func (jsonForm) key(b []byte, key string) []byte {
	b = append(b, `,"`...)
	b = append(b, key...)
	return append(b, `":`...)
}

func (f jsonForm) text(b []byte, key, value string) []byte { return appendJSON(f.key(b, key), value) }

func (f jsonForm) number(b []byte, key string, value int64) []byte {
	return strconv.AppendInt(f.key(b, key), value, 10)
}

func (f jsonForm) flag(b []byte, key string, value bool) []byte {
	return strconv.AppendBool(f.key(b, key), value)
}

func (jsonForm) end(b []byte) []byte { return append(b, '}', '\n') }

// textForm is slog.TextHandler's.
type textForm struct{}

func (textForm) handler(l *Log) slog.Handler {
	return slog.NewTextHandler(l, &slog.HandlerOptions{Level: l.opts.Level})
}

func (textForm) begin(b []byte, now time.Time, level slog.Level, msg string) []byte {
	b = append(b, "time="...)
	b = now.AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	b = append(b, " level="...)
	b = append(b, level.String()...)
	b = append(b, " msg="...)
	return appendQuoted(b, msg)
}

func (textForm) key(b []byte, key string) []byte {
	b = append(b, ' ')
	b = append(b, key...)
	return append(b, '=')
}

func (f textForm) text(b []byte, key, value string) []byte { return appendQuoted(f.key(b, key), value) }

func (f textForm) number(b []byte, key string, value int64) []byte {
	return strconv.AppendInt(f.key(b, key), value, 10)
}

func (f textForm) flag(b []byte, key string, value bool) []byte {
	return strconv.AppendBool(f.key(b, key), value)
}

func (textForm) end(b []byte) []byte { return append(b, '\n') }

// appendQuoted appends a value of key=value, in quotes where it needs them.
func appendQuoted(b []byte, s string) []byte {
	if s == "" {
		return append(b, '"', '"')
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\' {
			return strconv.AppendQuote(b, s)
		}
	}
	return append(b, s...)
}

// appendJSON appends a JSON string.
func appendJSON(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i, c := range s {
		if c >= ' ' && c != '"' && c != '\\' && c < 0x7f {
			continue
		}
		b = append(b, s[start:i]...)
		b = appendRune(b, c)
		start = i + runeBytes(s[i:], c)
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// appendRune appends one character that JSON strings escape, or that is safer escaped.
func appendRune(b []byte, c rune) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', byte(c))
	case '\n':
		return append(b, '\\', 'n')
	case '\t':
		return append(b, '\\', 't')
	}
	if c < ' ' || c == 0x7f || c == '\u2028' || c == '\u2029' {
		const hex = "0123456789abcdef"
		return append(b, '\\', 'u', hex[c>>12&15], hex[c>>8&15], hex[c>>4&15], hex[c&15])
	}
	return utf8.AppendRune(b, c)
}

// runeBytes is how many bytes of s the character c stands for; a byte that is no UTF-8 was read as U+FFFD.
func runeBytes(s string, c rune) int {
	if c == utf8.RuneError {
		_, n := utf8.DecodeRuneInString(s)
		return n
	}
	return utf8.RuneLen(c)
}
