package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/runtime"
)

// HTTP/2's frames, as far as the tests write them (RFC 9113, 6).
const (
	frameHeaders   = 1
	frameReset     = 3
	frameSettings  = 4
	framePing      = 6
	frameWindow    = 8
	flagEndStream  = 1
	flagEndHeaders = 4
	frameHeadBytes = 9
)

// getRoot is the header block of GET http://a/.
var getRoot = []byte{0x82, 0x84, 0x86, 0x41, 1, 'a'}

// http2Client writes frames to a server and reads what comes.
type http2Client struct {
	net.Conn
	t *testing.T
}

// dialHTTP2 opens a connection with the client's settings, which are pairs of a key and a value.
func dialHTTP2(t *testing.T, s *running, settings ...uint32) *http2Client {
	t.Helper()
	c := &http2Client{must(net.Dial("tcp", s.Addr().String())), t}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	var payload []byte
	for i := 0; i < len(settings); i += 2 {
		payload = binary.BigEndian.AppendUint16(payload, uint16(settings[i]))
		payload = binary.BigEndian.AppendUint32(payload, settings[i+1])
	}
	c.write(appendFrame([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frameSettings, 0, 0, payload))
	return c
}

func appendFrame(b []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	b = append(b, byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), kind, flags)
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

func (c *http2Client) write(b []byte) {
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// await reads frames until one of a kind comes on a stream.
func (c *http2Client) await(kind byte, stream uint32) {
	head := make([]byte, frameHeadBytes)
	for {
		if _, err := io.ReadFull(c, head); err != nil {
			c.t.Fatal(err)
		}
		n := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		if _, err := io.CopyN(io.Discard, c, n); err != nil {
			c.t.Fatal(err)
		}
		if head[3] == kind && binary.BigEndian.Uint32(head[5:]) == stream {
			return
		}
	}
}

// TestStreamsThatAreOverLeaveNothingBehind has a client open many streams and take each back at once, or have the server do so.
func TestStreamsThatAreOverLeaveNothingBehind(t *testing.T) {
	const rounds, batch = 200, 50
	for _, c := range []struct {
		name    string
		kind    byte
		payload []byte
	}{
		{"reset by the client", frameReset, []byte{0, 0, 0, 8}},
		{"made the server reset them", frameWindow, []byte{0x7f, 0xff, 0xff, 0xff}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, Options{BodyIdleTimeout: time.Minute}, hello)
			client := dialHTTP2(t, s)
			id := uint32(1)
			flood := func(n int) {
				for range n {
					var b []byte
					for range batch {
						b = appendFrame(b, frameHeaders, flagEndStream|flagEndHeaders, id, getRoot)
						b = appendFrame(b, c.kind, 0, id, c.payload)
						id += 2
					}
					client.write(appendFrame(b, framePing, 0, 0, make([]byte, 8)))
					client.await(framePing, 0)
				}
			}
			flood(rounds / 10)
			before := liveBytes()
			flood(rounds)
			const most = 1 << 20 // the streams would be some 600 bytes each at the least
			for end := time.Now().Add(20 * time.Second); liveBytes() > before+most; time.Sleep(50 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%d streams keep %d KiB", rounds*batch, int64(liveBytes()-before)>>10)
				}
			}
		})
	}
}

// liveBytes is what is reachable on the heap.
func liveBytes() uint64 {
	var m goruntime.MemStats
	goruntime.GC()
	goruntime.GC()
	goruntime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestAStreamThatTakesNothingIsReset has a client leave no room for the body of an answer, short or long, the function's or a page of the server's.
func TestAStreamThatTakesNothingIsReset(t *testing.T) {
	const windowSetting = 4
	long := make([]byte, 256<<10)
	for _, c := range []struct {
		name string
		fn   fetch
	}{
		{"a short answer", hello},
		{"a long answer", func(context.Context, *runtime.Request) (*runtime.Response, error) {
			return &runtime.Response{Status: 200, Body: long}, nil
		}},
		{"a stream", func(context.Context, *runtime.Request) (*runtime.Response, error) {
			return &runtime.Response{Status: 200, Stream: io.NopCloser(bytes.NewReader(long))}, nil
		}},
		{"a failure", func(context.Context, *runtime.Request) (*runtime.Response, error) {
			return nil, &runtime.EventError{Outcome: runtime.OutcomeException, Status: 500, Message: "it failed"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, Options{BodyIdleTimeout: 50 * time.Millisecond, DrainTimeout: 10 * time.Second}, c.fn)
			client := dialHTTP2(t, s, windowSetting, 0)
			client.write(appendFrame(nil, frameHeaders, flagEndStream|flagEndHeaders, 1, getRoot))
			client.await(frameReset, 1)
		})
	}
}
