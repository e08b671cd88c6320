package observe

import (
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pagesrun/pagesrun/runtime"
)

// formatter gives lines one form. The append methods are the quick way for the lines every event has; their output is what
// the handler would write.
type formatter interface {
	handler(*Log) slog.Handler
	appendEvent(b []byte, at time.Time, level slog.Level, e *runtime.Report) []byte
	appendGuest(b []byte, at time.Time, level slog.Level, g guestLine) []byte
	dropped(n int) []byte
}

// guestLine is one line a guest wrote.
type guestLine struct{ event, source, text string }

func newFormatter(opts LogOptions) formatter {
	switch opts.Format {
	case FormatPretty:
		return &pretty{color: opts.Color}
	case FormatText:
		return newStructured(textForm{&seconds{}})
	}
	return newStructured(jsonForm{&seconds{}})
}

// form is how a structured line is put together.
type form interface {
	handler(*Log) slog.Handler
	begin(b []byte, at time.Time, level slog.Level, msg string) []byte
	// name is what comes between the value before and the one of the key.
	name(key string) string
	value(b []byte, s string) []byte
	// split gives what of a text belongs in a value and what follows the line.
	split(s string) (value, rest string)
	// end ends the line and writes what follows it.
	end(b []byte, rest string) []byte
}

// structured writes lines for machines.
type structured struct {
	form
	names names
}

// names are those of the fields of lines, as the form has them.
type names struct {
	event, kind, detail, method, path, status, outcome, duration, cpu, fuel, memory, reused, discarded, err, source string
}

func newStructured(f form) *structured {
	return &structured{form: f, names: names{
		event: f.name("event"), kind: f.name("kind"), detail: f.name("detail"), method: f.name("method"), path: f.name("path"), status: f.name("status"), outcome: f.name("outcome"),
		duration: f.name("duration_us"), cpu: f.name("cpu_us"), fuel: f.name("fuel"), memory: f.name("memory"), reused: f.name("reused"),
		discarded: f.name("discarded"), err: f.name("error"), source: f.name("source"),
	}}
}

func (s *structured) text(b []byte, name, value string) []byte {
	return s.value(append(b, name...), value)
}

func number(b []byte, name string, value int64) []byte {
	return strconv.AppendInt(append(b, name...), value, 10)
}

func (s *structured) appendEvent(b []byte, at time.Time, level slog.Level, e *runtime.Report) []byte {
	n := &s.names
	b = s.begin(b, at, level, "event")
	b = s.text(b, n.event, e.ID)
	b = s.appendSubject(b, e)
	b = s.text(b, n.outcome, string(e.Outcome))
	b = number(b, n.duration, e.Duration.Microseconds())
	b = number(b, n.cpu, e.CPU.Microseconds())
	b = number(b, n.fuel, e.Fuel)
	b = number(b, n.memory, e.MemoryBytes)
	b = strconv.AppendBool(append(b, n.reused...), e.Reused)
	if e.Discarded != "" {
		b = s.text(b, n.discarded, e.Discarded)
	}
	if e.Err == nil {
		return s.end(b, "")
	}
	value, rest := s.split(e.Err.Error())
	return s.end(s.text(b, n.err, value), rest)
}

// appendSubject says what the event was about.
func (s *structured) appendSubject(b []byte, e *runtime.Report) []byte {
	n := &s.names
	if e.Request == nil {
		b = s.text(b, n.kind, e.Kind)
		return s.text(b, n.detail, e.Detail)
	}
	b = s.text(b, n.method, e.Request.Fetch.Method)
	b = s.text(b, n.path, pathOf(string(e.Request.Fetch.URL)))
	return number(b, n.status, int64(e.Status))
}

func (s *structured) appendGuest(b []byte, at time.Time, level slog.Level, g guestLine) []byte {
	msg, rest := s.split(g.text)
	b = s.begin(b, at, level, msg)
	b = s.text(b, s.names.event, g.event)
	b = s.text(b, s.names.source, g.source)
	return s.end(b, rest)
}

func (s *structured) dropped(n int) []byte {
	return s.end(s.begin(nil, time.Now(), slog.LevelWarn, droppedMessage(n)), "")
}

// jsonForm is slog.JSONHandler's.
type jsonForm struct{ seconds *seconds }

func (jsonForm) handler(l *Log) slog.Handler {
	return slog.NewJSONHandler(l, &slog.HandlerOptions{Level: l.opts.Level})
}

func (f jsonForm) begin(b []byte, at time.Time, level slog.Level, msg string) []byte {
	b = append(b, `{"time":"`...)
	b = f.seconds.appendNano(b, at)
	b = append(b, `","level":"`...)
	b = append(b, level.String()...)
	b = append(b, `","msg":`...)
	return appendJSON(b, msg)
}

func (jsonForm) name(key string) string          { return `,"` + key + `":` }
func (jsonForm) value(b []byte, s string) []byte { return appendJSON(b, s) }
func (jsonForm) split(s string) (string, string) { return s, "" }
func (jsonForm) end(b []byte, _ string) []byte   { return append(b, '}', '\n') }

// textForm is slog.TextHandler's, but that a text of several lines goes on below its line, indented.
type textForm struct{ seconds *seconds }

func (textForm) handler(l *Log) slog.Handler {
	return slog.NewTextHandler(l, &slog.HandlerOptions{Level: l.opts.Level})
}

func (f textForm) begin(b []byte, at time.Time, level slog.Level, msg string) []byte {
	b = append(b, "time="...)
	b = f.seconds.appendMilli(b, at)
	b = append(b, " level="...)
	b = append(b, level.String()...)
	b = append(b, " msg="...)
	return appendQuoted(b, msg)
}

func (textForm) name(key string) string          { return " " + key + "=" }
func (textForm) value(b []byte, s string) []byte { return appendQuoted(b, s) }

func (textForm) split(s string) (value, rest string) {
	value, rest, _ = strings.Cut(strings.TrimRight(s, "\r\n"), "\n")
	return strings.TrimSuffix(value, "\r"), rest
}

func (textForm) end(b []byte, rest string) []byte {
	b = append(b, '\n')
	if rest == "" {
		return b
	}
	return append(appendLines(append(b, continuation...), rest, continuation), '\n')
}

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
	plain := 0
	for plain < len(s) && plainJSON[s[plain]] {
		plain++
	}
	b = append(b, s[:plain]...)
	if plain < len(s) {
		b = appendEscaped(b, s[plain:])
	}
	return append(b, '"')
}

// plainJSON marks the bytes that stand for themselves in a JSON string wherever they are.
var plainJSON = func() (t [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendEscaped appends the inside of a JSON string.
func appendEscaped(b []byte, s string) []byte {
	start := 0
	for i, c := range s {
		if c < 0x80 && plainJSON[c] {
			continue
		}
		b = append(b, s[start:i]...)
		b = appendRune(b, c)
		start = i + runeBytes(s[i:], c)
	}
	return append(b, s[start:]...)
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
