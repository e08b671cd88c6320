package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/pagesrun/pagesrun/hostfuncs/queues"
)

// shownBytes is how much of a body one line shows.
const shownBytes = 200

type queuesPeekCmd struct {
	queuesTarget
	Queue string `arg:"" help:"The queue, by its name."`
	N     int    `short:"n" default:"10" placeholder:"COUNT" help:"Show at most so many (default: 10)."`
	JSON  bool   `name:"json" help:"Print JSON, bodies in full."`
}

// messageView is how a message is shown as JSON.
type messageView struct {
	ID          string `json:"id"`
	TimestampMS int64  `json:"timestamp_ms"`
	// NotBeforeMS is when it is delivered at the earliest; null means at once.
	NotBeforeMS *int64 `json:"not_before_ms"`
	ContentType string `json:"content_type"`
	// Body is there when the body is UTF-8, BodyBase64 otherwise.
	Body       *string `json:"body,omitempty"`
	BodyBase64 []byte  `json:"body_base64,omitempty"`
}

// Run prints a line per message.
func (c *queuesPeekCmd) Run(ctx context.Context) error {
	if c.N < 1 {
		return usageError("-n must be at least 1")
	}
	return c.use(ctx, func(a *queues.Admin) error {
		list, err := a.Peek(ctx, c.Queue, c.N)
		if err != nil {
			return missing(ctx, a, c.Queue, err)
		}
		if !c.JSON {
			return printMessages(list)
		}
		out := newJSONPrinter(os.Stdout, "[", "]")
		for _, m := range list {
			if err := out.item("", viewMessage(m)); err != nil {
				return err
			}
		}
		return out.end()
	})
}

func viewMessage(m queues.Message) messageView {
	v := messageView{ID: m.ID, TimestampMS: m.Sent.UnixMilli(), ContentType: m.ContentType}
	if !m.NotBefore.IsZero() {
		ms := m.NotBefore.UnixMilli()
		v.NotBeforeMS = &ms
	}
	if utf8.Valid(m.Body) {
		text := string(m.Body)
		v.Body = &text
	} else {
		v.BodyBase64 = m.Body
	}
	return v
}

func printMessages(list []queues.Message) error {
	out := bufio.NewWriter(os.Stdout)
	for _, m := range list {
		fmt.Fprintf(out, "%s  %s  %-5s  %7d bytes  %s", m.ID, formatMS(m.Sent.UnixMilli()), m.ContentType, len(m.Body), showBody(m.Body))
		if !m.NotBefore.IsZero() {
			fmt.Fprintf(out, "  not before %s", formatMS(m.NotBefore.UnixMilli()))
		}
		fmt.Fprintln(out)
	}
	return out.Flush()
}

// showBody writes the beginning of a body so that it stays on its line and does nothing to a terminal.
func showBody(b []byte) string {
	if len(b) > shownBytes {
		return strconv.Quote(string(b[:shownBytes])) + "…"
	}
	return strconv.Quote(string(b))
}

func formatMS(ms int64) string { return time.UnixMilli(ms).UTC().Format(timeLayout) }
