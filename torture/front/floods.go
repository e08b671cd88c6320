package front

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/rig"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Floods come over so many connections at once, are so many frames, and last so long at the least: the attackers share the machine with the server, and must not be
// what is slow. They end in any case.
const (
	floodConnections = 8
	resets           = 200_000
	controlFrames    = 1_000_000
	floodLeast       = 5 * time.Second
	floodMost        = 60 * time.Second
)

// floodBytesMost is how much the process may grow.
const floodBytesMost = 32 << 20

// flood is a kind of attack over one HTTP/2 connection: step writes the next frames and says how many they were.
type flood struct {
	name  string
	total int
	step  func(f *http2.Framer, i int) (int, error)
}

// head is a request's header block. Every block says all, so that no state is needed.
func head() []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	e.SetMaxDynamicTableSize(0)
	for _, f := range []hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":path", Value: "/"}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: "a"}} {
		e.WriteField(f)
	}
	return b.Bytes()
}

func allFloods() []flood {
	block := head()
	open := func(f *http2.Framer, i int) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: block, EndHeaders: true, EndStream: true})
	}
	return []flood{
		{"requests that are reset at once (rapid reset)", resets, func(f *http2.Framer, i int) (int, error) {
			if err := open(f, i); err != nil {
				return 0, err
			}
			return 1, f.WriteRSTStream(uint32(2*i+1), http2.ErrCodeCancel)
		}},
		{"requests that make the server reset them (MadeYouReset)", resets, func(f *http2.Framer, i int) (int, error) {
			if err := open(f, i); err != nil {
				return 0, err
			}
			return 1, f.WriteWindowUpdate(uint32(2*i+1), 1<<31-1)
		}},
		{"SETTINGS", controlFrames, func(f *http2.Framer, _ int) (int, error) { return 1, f.WriteSettings() }},
		{"PING", controlFrames, func(f *http2.Framer, _ int) (int, error) { return 1, f.WritePing(false, [8]byte{1}) }},
		{"empty DATA on no stream", controlFrames, func(f *http2.Framer, i int) (int, error) {
			return 1, f.WriteData(uint32(2*i+1), false, nil)
		}},
		{"CONTINUATION without end", controlFrames, func(f *http2.Framer, i int) (int, error) {
			if i == 0 {
				return 1, f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block})
			}
			return 1, f.WriteContinuation(1, false, []byte{0, 1, 'a', 1, 'b'})
		}},
	}
}

// floods sends each kind over several connections, and opens new ones where the server closes them.
func floods(ctx context.Context, e *rig.Env, m *machine.Machine) (found []rig.Finding, err error) {
	alone := Quiet(m)
	for _, fl := range allFloods() {
		if !e.Long {
			fl.total /= 4
		}
		before, err := m.ResidentBytes()
		if err != nil {
			return found, err
		}
		h := Watch(m)
		sent, connections := fl.run(ctx, address(m))
		w := h.End()
		after, err := m.ResidentBytes()
		if err != nil {
			return found, err
		}
		what := fmt.Sprintf("%d × %s over %d connections", sent, fl.name, connections)
		beside := w.unharmed(what+": a healthy client", alone, healthyLeast)
		beside.Holds = beside.Holds && sent > 0
		found = append(found,
			beside,
			rig.Check(after-before <= floodBytesMost, what+": memory", "≤ 32 MiB more", "%+.1f MiB", float64(after-before)/(1<<20)))
	}
	return found, nil
}

// run floods until all is sent or the time is over.
func (fl flood) run(ctx context.Context, address string) (sent, connections int64) {
	ctx, cancel := context.WithTimeout(ctx, floodMost)
	defer cancel()
	begun := time.Now()
	var frames, dials atomic.Int64
	var clients sync.WaitGroup
	for range floodConnections {
		clients.Go(func() {
			for ctx.Err() == nil && frames.Load() < int64(fl.total) {
				dials.Add(1)
				fl.connection(ctx, address, begun, &frames)
			}
		})
	}
	clients.Wait()
	return frames.Load(), dials.Load()
}

// connection floods over one connection until the server closes it.
func (fl flood) connection(ctx context.Context, address string, begun time.Time, frames *atomic.Int64) {
	c, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp", address)
	if err != nil {
		return
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	go io.Copy(io.Discard, c)
	f := http2.NewFramer(c, nil)
	f.AllowIllegalWrites = true
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil || f.WriteSettings() != nil {
		return
	}
	for i := 0; frames.Load() < int64(fl.total); i++ {
		n, err := fl.step(f, i)
		if err != nil {
			return
		}
		due := floodLeast * time.Duration(frames.Add(int64(n))) / time.Duration(fl.total)
		if early := due - time.Since(begun); early > time.Millisecond {
			time.Sleep(early)
		}
	}
}
