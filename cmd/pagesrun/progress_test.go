package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestProgressIsABarOnATerminalAndLinesElsewhere(t *testing.T) {
	for _, c := range []struct {
		name     string
		terminal bool
		work     func(*progress)
		want     string
	}{
		{"a bar", true, func(p *progress) { p.set(0); p.set(150); p.set(300); p.leave() }, "\r[" + strings.Repeat(".", 30) + "] 0/300\r[" +
			strings.Repeat("#", 15) + strings.Repeat(".", 15) + "] 150/300\r[" + strings.Repeat("#", 30) + "] 300/300\n"},
		{"nothing done", true, func(p *progress) { p.leave() }, ""},
		{"a count", true, func(p *progress) { p.count(1000); p.count(2000); p.leave() }, "\r1000 rows written\r2000 rows written\n"},
		{"lines that are due", false, func(p *progress) { p.lastLine = time.Time{}; p.set(100); p.set(200); p.leave() }, "100 of 300 rows written\n"},
		{"counts that are due", false, func(p *progress) { p.lastLine = time.Time{}; p.count(100); p.count(200); p.leave() }, "100 rows written\n"},
		{"nothing due", false, func(p *progress) { p.set(100); p.count(300); p.leave() }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			p := newProgress("rows written", 300, false)
			p.terminal, p.w = c.terminal, &out
			c.work(p)
			if out.String() != c.want {
				t.Errorf("got %q, want %q", out.String(), c.want)
			}
		})
	}
}
