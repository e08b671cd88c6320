package server

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// complaintInterval is how often one kind of complaint of net/http's is logged.
const complaintInterval = time.Minute

// complaints is a handler for what net/http has to say: each kind of line at most once a minute, and what any client can
// provoke (broken handshakes and the like) only at the debug level.
type complaints struct {
	slog.Handler
	mu   sync.Mutex
	last map[string]time.Time
}

func newComplaints(h slog.Handler) *complaints {
	return &complaints{Handler: h, last: map[string]time.Time{}}
}

// Handle logs the complaint if it is time for one of its kind.
func (c *complaints) Handle(ctx context.Context, r slog.Record) error {
	kind := complaintKind(r.Message)
	if kind == "TLS" || kind == "URL" {
		r.Level = slog.LevelDebug
	}
	if !c.Handler.Enabled(ctx, r.Level) || !c.due(kind, r.Time) {
		return nil
	}
	return c.Handler.Handle(ctx, r)
}

// complaintKind is the first word after the "http: " net/http starts with; there are about twenty.
func complaintKind(message string) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(message, "http: "), " ")
	return kind
}

func (c *complaints) due(kind string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.last[kind]) < complaintInterval {
		return false
	}
	if len(c.last) > 100 {
		clear(c.last)
	}
	c.last[kind] = now
	return true
}
