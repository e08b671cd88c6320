package kv

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

func newCall(p *probe) *hostfuncs.Call { return hostfuncs.NewCall(p.target, p.streams) }

// closing tells whether a stream was closed.
type closing struct {
	io.Reader
	closed bool
}

// Close notes that it was called.
func (c *closing) Close() error { c.closed = true; return nil }

// putStream puts a value that comes as a stream and checks that the stream is closed afterwards.
func (p *probe) putStream(t *testing.T, r io.Reader, q abi.KVPutRequest) error {
	t.Helper()
	stream := &closing{Reader: r}
	q.Stream = p.streams.add(stream)
	err := p.put(&q)
	if !stream.closed {
		t.Error("the stream was not closed")
	}
	if used := p.live.(*live).held.used.Load(); used != 0 {
		t.Errorf("%d bytes are still counted as held", used)
	}
	return err
}

func TestPutByStream(t *testing.T) { eachWay(t, testPutByStream) }

func testPutByStream(t *testing.T, p *probe) {
	for _, c := range []struct {
		name string
		size int
		want string
	}{
		{"an empty stream is an empty value", 0, ""},
		{"a short stream", 5, ""},
		{"a stream as long as the first buffer", freeBytes, ""},
		{"a stream a byte longer than that", freeBytes + 1, ""},
		{"25 MiB are the longest", abi.KVValueBytesMax, ""},
		{"25 MiB and a byte are too long", abi.KVValueBytesMax + 1, "KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400."},
		{"of a stream far too long only a byte too much is read", abi.KVValueBytesMax + 1<<20, "KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400."},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.set("k", "before")
			value := pattern(c.size)
			wantError(t, p.putStream(t, bytes.NewReader(value), abi.KVPutRequest{Key: "k"}), c.want)
			if c.want != "" {
				value = []byte("before")
			}
			if got, _ := p.value("k"); got != string(value) {
				t.Error("the value is another")
			}
		})
	}
}

func TestAStreamThatBreaksOffStoresNothing(t *testing.T) {
	eachWay(t, testAStreamThatBreaksOffStoresNothing)
}

func testAStreamThatBreaksOffStoresNothing(t *testing.T, p *probe) {
	p.set("k", "before")
	broken := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(errors.New("aborted")))
	if err := p.putStream(t, broken, abi.KVPutRequest{Key: "k"}); !errors.Is(err, abi.CodeStreamClosed) {
		t.Errorf("got %v", err)
	}
	if got, _ := p.value("k"); got != "before" {
		t.Errorf("the value is %q", got)
	}
}

func TestARefusedPutClosesItsStream(t *testing.T) { eachWay(t, testARefusedPutClosesItsStream) }

func testARefusedPutClosesItsStream(t *testing.T, p *probe) {
	err := p.putStream(t, strings.NewReader("v"), abi.KVPutRequest{Key: ""})
	wantError(t, err, "Key name cannot be empty.")
	if err := p.put(&abi.KVPutRequest{Key: "k", Stream: 99}); !errors.Is(err, abi.CodeBadHandle) {
		t.Errorf("an unknown stream gave %v", err)
	}
}

func TestGetByStream(t *testing.T) { eachWay(t, testGetByStream) }

func testGetByStream(t *testing.T, p *probe) {
	for _, size := range []int{0, 1, freeBytes, freeBytes + 1, abi.KVValueBytesMax} {
		value := pattern(size)
		if err := p.put(&abi.KVPutRequest{Key: "k", Value: value, Metadata: document("1")}); err != nil {
			t.Fatal(err)
		}
		r, err := p.get(&abi.KVGetRequest{Key: "k", Type: "stream", WithMetadata: true})
		if err != nil || !r.Found || r.Stream == 0 || len(r.Value) > 0 || r.Metadata == nil {
			t.Fatalf("%d bytes: %+v, %v", size, r.Stream, err)
		}
		p.set("k", "changed meanwhile")
		stream, _ := p.streams.TakeReadable(r.Stream)
		got, err := io.ReadAll(stream)
		if err != nil || !bytes.Equal(got, value) {
			t.Errorf("%d bytes: read %d, %v", size, len(got), err)
		}
		stream.Close()
		stream.Close()
		if used := p.live.(*live).held.used.Load(); used != 0 {
			t.Errorf("%d bytes are still counted as held", used)
		}
	}
}

func TestStreamsTogetherAreBounded(t *testing.T) {
	p := newProbe(t)
	if err := p.put(&abi.KVPutRequest{Key: "k", Value: make([]byte, abi.KVValueBytesMax)}); err != nil {
		t.Fatal(err)
	}
	var open []io.ReadCloser
	for {
		r, err := p.get(&abi.KVGetRequest{Key: "k", Type: "stream"})
		if err != nil {
			if !errors.Is(err, abi.CodeUnavailable) {
				t.Errorf("got %v", err)
			}
			break
		}
		stream, _ := p.streams.TakeReadable(r.Stream)
		open = append(open, stream)
	}
	if want := HeldBytesMax / abi.KVValueBytesMax; len(open) != want {
		t.Errorf("%d streams were opened, want %d", len(open), want)
	}
	if err := p.put(&abi.KVPutRequest{Key: "l", Stream: p.streams.add(io.NopCloser(bytes.NewReader(make([]byte, 20<<20))))}); !errors.Is(err, abi.CodeUnavailable) {
		t.Errorf("a put by stream gave %v", err)
	}
	for _, s := range open {
		s.Close()
	}
	if _, err := p.get(&abi.KVGetRequest{Key: "k", Type: "stream"}); err != nil {
		t.Errorf("with all closed: %v", err)
	}
}

func TestManyAtOnce(t *testing.T) { eachWay(t, testManyAtOnce) }

func testManyAtOnce(t *testing.T, p *probe) {
	var wg sync.WaitGroup
	for i := range 8 {
		key := abi.ByteString(string(rune('a' + i)))
		wg.Go(func() {
			for j := range 50 {
				value := bytes.Repeat([]byte{byte('0' + j%10)}, 1+j*997)
				if err := p.put(&abi.KVPutRequest{Key: key, Value: value}); err != nil {
					t.Error(err)
				}
				r, err := p.get(&abi.KVGetRequest{Key: key})
				if err != nil || !bytes.Equal(r.Value, value) {
					t.Errorf("read %d bytes of %d: %v", len(r.Value), len(value), err)
				}
				if _, err := p.list(&abi.KVListRequest{Limit: number(3)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := len(p.names("")); got != 8 {
		t.Errorf("%d keys", got)
	}
}
