package runtime

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/runtime/wasi"
)

// wasiKey is how package wasi asks a context for its process.
type wasiKey = wasi.Key

// exitError is a guest that called proc_exit.
type exitError struct{ code uint32 }

// Error says so.
func (e *exitError) Error() string { return fmt.Sprintf("the guest exited with status %d", e.code) }

// warmEpochNS is the wall clock during start-up. What a guest reads before its image is taken would be frozen in it, so it is the same every time.
const warmEpochNS = 1_767_225_600_000_000_000 // 2026-01-01T00:00:00Z

// processStart is the origin of the monotonic clock, with room below it for the clock of start-up.
var processStart = time.Now().Add(-time.Hour)

// process is the WASI side of an instance: it implements [wasi.Process] for the running event.
type process struct {
	in          *instance
	phase       hostfuncs.Phase
	warmNS      int64
	seeded      *mathrand.ChaCha8
	output      [2]lines
	args        []string
	env         []string
	stdin       abi.Handle
	cgi         *cgiResponse
	tookEnviron bool
	watch       CommandImage // while a command runs up to its image: where that is
}

func (p *process) begin(phase hostfuncs.Phase) {
	p.phase, p.warmNS, p.seeded = phase, 0, nil
	p.args, p.env, p.stdin, p.cgi, p.watch, p.tookEnviron = nil, nil, 0, nil, "", false
}

// Args implements [wasi.Process].
func (p *process) Args() []string { return p.args }

// Environ implements [wasi.Process].
func (p *process) Environ() []string {
	p.tookEnviron = true
	return p.env
}

// Files implements [wasi.Process].
func (p *process) Files() *wasi.Files { return p.in.files }

// Watched implements [wasi.Process].
func (p *process) Watched() bool { return p.watch != "" }

// Look implements [wasi.Process].
func (p *process) Look(ctx context.Context, what wasi.Look, again func() uint32) {
	if p.watch.looks(what) {
		if p.tookEnviron && what != wasi.LookEnviron {
			p.in.app.opts.Log.Warn("the command took its environment before its image and will not see its requests' there: let it read " + wasi.EnvironPath)
		}
		p.in.suspend(ctx, again)
	}
}

// ReadStdin implements [wasi.Process]: the request's body in a command, nothing elsewhere.
func (p *process) ReadStdin(buf []byte) (int, error) {
	if p.stdin == 0 {
		return 0, io.EOF
	}
	return p.in.ctx.ReadBlocking(p.stdin, buf)
}

// WriteOutput implements [wasi.Process]: a command's standard output is its response, everything else is logged line by line.
func (p *process) WriteOutput(fd uint32, data []byte) error {
	if fd == 1 && p.cgi != nil {
		return p.cgi.write(data)
	}
	p.output[fd-1].add(data, func(line string) { p.logLine(fd, line) })
	return nil
}

func (p *process) logLine(fd uint32, line string) {
	source, level := "stdout", abi.LogInfo
	if fd == 2 {
		source, level = "stderr", abi.LogWarn
	}
	if p.in.ctx.ChargeLog(len(line)) {
		p.in.app.opts.Observer.GuestLog(p.in.eventID, source, level, line)
	}
}

// flush logs what was written without a final line end.
func (p *process) flush() {
	for i := range p.output {
		p.output[i].flush(func(line string) { p.logLine(uint32(i+1), line) })
	}
}

// Wall implements [wasi.Process].
func (p *process) Wall() int64 {
	if p.phase == hostfuncs.PhaseWarm {
		p.warmNS += 1000
		return warmEpochNS + p.warmNS
	}
	return time.Now().UnixNano()
}

// Monotonic implements [wasi.Process].
func (p *process) Monotonic() int64 {
	if p.phase == hostfuncs.PhaseWarm {
		p.warmNS += 1000
		return p.warmNS
	}
	return int64(time.Since(processStart))
}

// Sleep implements [wasi.Process].
func (p *process) Sleep(d time.Duration) {
	p.in.ctx.Sleep(d)
	p.warmNS += int64(d)
}

// Random implements [wasi.Process]: fresh bytes in events, the same ones at every start-up.
func (p *process) Random(buf []byte) {
	if p.phase == hostfuncs.PhaseWarm {
		if p.seeded == nil {
			p.seeded = mathrand.NewChaCha8([32]byte([]byte("pagesrun start-up is repeatable!")))
		}
		p.seeded.Read(buf)
		return
	}
	rand.Read(buf)
}

// Exit implements [wasi.Process].
func (p *process) Exit(code uint32) { panic(&exitError{code: code}) }

// Check implements [wasi.Process].
func (p *process) Check() { p.in.check(0) }

// Charge implements [wasi.Process].
func (p *process) Charge(units int) { p.in.Charge(units) }

// lineBytesMax is the longest line logged in one piece.
const lineBytesMax = 16 << 10

// lines cuts a stream of bytes into lines.
type lines struct{ partial []byte }

func (l *lines) add(data []byte, emit func(string)) {
	for len(data) > 0 {
		line, rest, ended := bytes.Cut(data, []byte("\n"))
		room := lineBytesMax - len(l.partial)
		if len(line) > room {
			line, rest, ended = data[:room], data[room:], true
		}
		l.partial = append(l.partial, line...)
		data = rest
		if ended {
			l.flush(emit)
		}
	}
}

func (l *lines) flush(emit func(string)) {
	if len(l.partial) > 0 {
		emit(strings.ToValidUTF8(string(l.partial), "\uFFFD"))
		l.partial = l.partial[:0]
	}
}

// finishCommand turns the end of a WASI command into the end of an event: exit status 0 completes its response.
func (in *instance) finishCommand(err error) error {
	if !in.app.command {
		return err
	}
	var exit *exitError
	if errors.As(err, &exit) && exit.code == 0 {
		err = nil
	}
	if err != nil {
		return err
	}
	return in.process.cgi.finish()
}
