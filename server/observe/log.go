package observe

import (
	"io"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of a [Log].
const (
	// BacklogBytesMax is the most that is gathered for a slow writer, in bytes. More is dropped.
	BacklogBytesMax = 4 << 20
	// FlushInterval is how long a line is held back at most.
	FlushInterval = 100 * time.Millisecond

	// flushBytes is how much makes a flush worth not waiting for the interval.
	flushBytes = 64 << 10
	// spareBytesMax is how much memory is kept to gather the next lines in.
	spareBytesMax = 1 << 20
)

// Format is how lines look.
type Format string

// The formats.
const (
	// FormatJSON is one JSON object per line, as slog writes it.
	FormatJSON Format = "json"
	// FormatText is key=value pairs, as slog writes them. The second and later lines of an error or of what a guest wrote follow, indented.
	FormatText Format = "text"
	// FormatPretty is one short line for a person at a terminal, and indented ones for what has several lines.
	FormatPretty Format = "pretty"
)

// LogOptions say how a [Log] writes.
type LogOptions struct {
	// Format is the lines' form. Default [FormatJSON].
	Format Format
	// Level is the lowest level written. Default info.
	Level slog.Leveler
	// Color lets [FormatPretty] use terminal colors.
	Color bool
}

// Log gathers lines and writes them from one goroutine. Close it before the process ends.
type Log struct {
	w      io.Writer
	opts   LogOptions
	format formatter

	mu      sync.Mutex
	waiting []byte
	dropped int // since the last line that said so
	spare   []byte

	droppedTotal atomic.Uint64
	first        chan struct{} // something has come
	full         chan struct{} // enough has come
	stop         chan struct{}
	done         chan struct{}
	closing      sync.Once
}

// NewLog makes a log that writes to w.
func NewLog(w io.Writer, opts LogOptions) *Log {
	if opts.Level == nil {
		opts.Level = slog.LevelInfo
	}
	l := &Log{w: w, opts: opts, format: newFormatter(opts), first: make(chan struct{}, 1), full: make(chan struct{}, 1),
		stop: make(chan struct{}), done: make(chan struct{})}
	go l.run()
	return l
}

// Logger gives a logger whose lines go through the log.
func (l *Log) Logger() *slog.Logger { return slog.New(l.format.handler(l)) }

// Dropped is how many lines have been dropped because the writer was too slow.
func (l *Log) Dropped() uint64 { return l.droppedTotal.Load() }

// Write takes one or more whole lines. It never blocks for the writer behind and never fails.
func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	if len(l.waiting)+len(line) > BacklogBytesMax {
		l.dropped++
		l.droppedTotal.Add(1)
	} else {
		l.waiting = append(l.waiting, line...)
	}
	n := len(l.waiting)
	l.mu.Unlock()
	if n <= len(line) {
		signal(l.first)
	} else if n >= flushBytes {
		signal(l.full)
	}
	return len(line), nil
}

// signal leaves a note that is read once.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Close writes out what is gathered. Lines that come later are lost.
func (l *Log) Close() error {
	l.closing.Do(func() { close(l.stop) })
	<-l.done
	return nil
}

// run writes what comes, a moment after it came so that much goes out at once. It sleeps while nothing comes.
func (l *Log) run() {
	defer close(l.done)
	for {
		select {
		case <-l.first:
		case <-l.stop:
			l.flush()
			return
		}
		select {
		case <-time.After(FlushInterval):
		case <-l.full:
		case <-l.stop:
		}
		l.flush()
	}
}

// flush writes what is gathered; the memory it was gathered in is used again.
func (l *Log) flush() {
	l.mu.Lock()
	out, dropped := l.waiting, l.dropped
	l.waiting, l.dropped, l.spare = l.spare[:0], 0, nil
	l.mu.Unlock()
	if dropped > 0 {
		out = append(out, l.format.dropped(dropped)...)
	}
	if len(out) > 0 {
		l.w.Write(out)
	}
	if cap(out) <= spareBytesMax {
		l.mu.Lock()
		l.spare = out
		l.mu.Unlock()
	}
}

// droppedMessage is what the line about lost lines says.
func droppedMessage(n int) string {
	return strconv.Itoa(n) + " log lines dropped: they came faster than they could be written"
}
