package hostfuncs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/hosttest"
)

// begin makes a guest in an event with plenty of everything.
func begin(t *testing.T) *guest {
	t.Helper()
	g := newGuest(t, hostfuncs.Limits{Handles: 64, Operations: 100_000, LogBytes: 1000})
	g.event()
	return g
}

func (g *guest) event() {
	g.Begin(context.Background(), hostfuncs.PhaseEvent, []byte{0xa1, 1, 2}, time.Now().Add(5*time.Second))
}

// must makes a host call that ends with a number, not with the event.
func (g *guest) must(fn int, args ...uint64) int32 {
	g.t.Helper()
	n, err := g.invoke(fn, args...)
	if err != nil {
		g.t.Fatalf("%s%v: %v", hosttest.Functions[fn], args, err)
	}
	return n
}

// want makes a host call that must give n.
func (g *guest) want(n int, fn int, args ...uint64) {
	g.t.Helper()
	if got := g.must(fn, args...); got != int32(n) {
		g.t.Errorf("%s%v = %d, want %d", hosttest.Functions[fn], args, got, n)
	}
}

func minus(code abi.Code) int { return -int(code) }

// pipe makes a stream of the guest's own.
func (g *guest) pipe() (r, w uint64) {
	g.t.Helper()
	h, _ := g.start("", abi.OpPipe, nil)
	var p abi.PipeReply
	if err := abi.DecodeReply(g.finish(h), &p); err != nil {
		g.t.Fatal(err)
	}
	return uint64(p.Readable), uint64(p.Writable)
}

// list writes handles for wait.
func (g *guest) list(handles ...uint64) {
	var b []byte
	for _, h := range handles {
		b = binary.LittleEndian.AppendUint32(b, uint32(h))
	}
	g.put(atTarget, b)
}

const forever = uint64(1<<64 - 1)

// garbage is what no operation takes for a message.
func garbage() map[string][]byte {
	return map[string][]byte{
		"a number":           {0x01},
		"an array":           {0x80},
		"a truncated map":    {0xa1},
		"a huge map":         {0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"a huge byte string": {0xa1, 0x01, 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"an indefinite map":  {0xbf, 0xff},
		"a text key":         {0xa1, 0x61, 'a', 0x01},
		"bytes after it":     {0xa0, 0xa0},
		"endless nesting":    append([]byte{0xa1, 0x18, 0x63}, bytes.Repeat([]byte{0x81}, 5000)...),
		"ones":               bytes.Repeat([]byte{0xff}, 10_000),
	}
}

func TestEveryOperationRefusesGarbage(t *testing.T) {
	g := begin(t)
	targets := map[string]string{"kv": "KV", "vars": "VAR", "secrets": "SECRET"}
	for name, message := range garbage() {
		for _, op := range abi.Operations() {
			kind, _, bound := strings.Cut(op.Name, ".")
			if bound && targets[kind] == "" || op.Name == abi.OpAck || op.Name == abi.OpRetry {
				continue // of a binding that has tests of its own, or of other events
			}
			target := ""
			if bound {
				target = targets[kind]
			}
			if got := g.ask(target, op.Name, message); got != abi.CodeBadMessage {
				t.Errorf("%s with %s: %v, want bad_message", op.Name, name, got)
			}
		}
	}
}

func TestAnUndeclaredBindingIsNotConfiguredForAnyOperation(t *testing.T) {
	g := begin(t)
	for _, op := range abi.Operations() {
		if got := g.ask("NOBODY", op.Name, nil); got != abi.CodeNotConfigured {
			t.Errorf("%s: %v", op.Name, got)
		}
		if got := g.ask("PROBE", op.Name, nil); got != abi.CodeWrongKind {
			t.Errorf("%s on another kind: %v", op.Name, got)
		}
	}
}

func TestBeforeTheFirstEventOnlyVariablesAndSecretsAnswer(t *testing.T) {
	g := begin(t)
	g.End()
	g.Begin(context.Background(), hostfuncs.PhaseWarm, nil, time.Now().Add(time.Second))
	for target, op := range map[string]string{"KV": abi.OpKVGet, "PROBE": "probe.echo", "": abi.OpRespond} {
		if got := g.ask(target, op, nil); got != abi.CodeNotDuringWarm {
			t.Errorf("%s: %v, want not_during_warm", op, got)
		}
	}
	for target, op := range map[string]string{"VAR": abi.OpVarsGet, "SECRET": abi.OpSecretsGet} {
		if got := g.ask(target, op, nil); got != 0 {
			t.Errorf("%s: %v", op, got)
		}
	}
	g.want(minus(abi.CodeBadHandle), hosttest.Result, 0, atReply, replyCap)
}

func TestAResultThatDoesNotFitIsKept(t *testing.T) {
	g := begin(t)
	message := append([]byte{0x58, 200}, make([]byte, 200)...)
	h, _ := g.start("PROBE", "probe.echo", message)
	g.list(uint64(h))
	g.want(0, hosttest.Wait, atTarget, 1, forever)
	before, _ := g.mod.Memory().Read(atReply, 202)
	before = bytes.Clone(before)
	g.want(202, hosttest.Result, uint64(h), atReply, 0)
	g.want(202, hosttest.Result, uint64(h), atReply, 201)
	if after, _ := g.mod.Memory().Read(atReply, 202); !bytes.Equal(before, after) {
		t.Error("a result that does not fit was written")
	}
	g.want(202, hosttest.Result, uint64(h), atReply, 202)
	if after, _ := g.mod.Memory().Read(atReply, 202); !bytes.Equal(message, after) {
		t.Errorf("the result is %x", after)
	}
	g.want(minus(abi.CodeBadHandle), hosttest.Result, uint64(h), atReply, 202)

	g.want(3, hosttest.Result, 0, atReply, 2)
	g.want(3, hosttest.Result, 0, atReply, 3)
	g.want(minus(abi.CodeBadHandle), hosttest.Result, 0, atReply, 3)
}

func TestWaitGivesTheFirstOfItsHandlesThatIsReady(t *testing.T) {
	g := begin(t)
	r, w := g.pipe()
	slow, _ := g.start("PROBE", "probe.slow", nil)
	g.list(r, uint64(slow), w)
	g.want(2, hosttest.Wait, atTarget, 3, 0)
	g.list(r, uint64(slow))
	start := time.Now()
	g.want(minus(abi.CodeTimeout), hosttest.Wait, atTarget, 2, uint64(20*time.Millisecond))
	if took := time.Since(start); took < 20*time.Millisecond {
		t.Errorf("20 ms took %v", took)
	}
	g.want(minus(abi.CodeTimeout), hosttest.Wait, atTarget, 2, 0)
	g.want(5, hosttest.Write, w, atMessage, 5)
	g.want(0, hosttest.Wait, atTarget, 2, forever)
	g.list(uint64(slow), 999)
	g.want(minus(abi.CodeBadHandle), hosttest.Wait, atTarget, 2, forever)
	g.want(minus(abi.CodeTooLarge), hosttest.Wait, atTarget, abi.WaitHandlesMax+1, 0)
	g.want(minus(abi.CodeTooLarge), hosttest.Wait, atTarget, 1<<31, 0)
	g.want(minus(abi.CodeTooLarge), hosttest.Wait, atTarget, 1<<32-1, 0)
	g.want(minus(abi.CodeBadPointer), hosttest.Wait, hosttest.MemoryBytes-4, 2, 0)
	g.want(minus(abi.CodeTimeout), hosttest.Wait, hosttest.MemoryBytes, 0, 0)
	g.want(minus(abi.CodeTimeout), hosttest.Wait, 0, 0, uint64(time.Millisecond))
}

func TestAWaitEndsWithTheEvent(t *testing.T) {
	g := begin(t)
	r, _ := g.pipe()
	for name, test := range map[string]struct {
		parent func() (context.Context, context.CancelFunc)
		limit  time.Duration
		want   error
	}{
		"its time is over": {func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) }, 20 * time.Millisecond, context.DeadlineExceeded},
		"the client leaves": {func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(20*time.Millisecond, cancel)
			return ctx, cancel
		}, time.Minute, context.Canceled},
	} {
		g.End()
		ctx, cancel := test.parent()
		g.Begin(ctx, hostfuncs.PhaseEvent, nil, time.Now().Add(test.limit))
		r, _ = g.pipe()
		g.list(r)
		start := time.Now()
		if _, err := g.invoke(hosttest.Wait, atTarget, 1, forever); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if took := time.Since(start); took < 10*time.Millisecond || took > time.Second {
			t.Errorf("%s: after %v", name, took)
		}
		cancel()
	}
}

func TestAStreamHasBoundsAndAnEnd(t *testing.T) {
	g := begin(t)
	r, w := g.pipe()
	g.want(minus(abi.CodeWouldBlock), hosttest.Read, r, atReply, 10)
	for range hostfuncs.PipeBytesMax / (64 << 10) {
		g.want(64<<10, hosttest.Write, w, 0, 64<<10)
	}
	g.want(minus(abi.CodeWouldBlock), hosttest.Write, w, 0, 1)
	g.want(100, hosttest.Read, r, atReply, 100)
	g.want(100, hosttest.Write, w, 0, 64<<10)
	g.want(0, hosttest.Close, w, abi.CloseFinish)
	for left := hostfuncs.PipeBytesMax; left > 0; left -= 64 << 10 {
		g.want(64<<10, hosttest.Read, r, 0, 64<<10)
	}
	g.want(0, hosttest.Read, r, 0, 10)
	g.want(0, hosttest.Read, r, 0, 10)

	r, w = g.pipe()
	g.want(3, hosttest.Write, w, 0, 3)
	g.want(0, hosttest.Close, w, abi.CloseAbort)
	g.want(3, hosttest.Read, r, 0, 10)
	g.want(minus(abi.CodeStreamClosed), hosttest.Read, r, 0, 10)
}

func TestStreamsOfTheHostReachTheGuestWhole(t *testing.T) {
	g := begin(t)
	text := strings.Repeat("0123456789", 20_000)
	for name, r := range map[string]io.ReadCloser{
		"memory": hostfuncs.MemoryStream([]byte(text)), "reader": io.NopCloser(strings.NewReader(text)),
	} {
		g.End()
		g.event()
		h := uint64(g.AddReadable(r))
		g.list(h)
		var got []byte
		for {
			n := g.must(hosttest.Read, h, atReply, 5000)
			if n == int32(minus(abi.CodeWouldBlock)) {
				g.want(0, hosttest.Wait, atTarget, 1, forever)
				continue
			}
			if n <= 0 {
				break
			}
			b, _ := g.mod.Memory().Read(atReply, uint32(n))
			got = append(got, b...)
		}
		if string(got) != text {
			t.Errorf("%s: %d bytes arrived, want %d", name, len(got), len(text))
		}
	}
}

func TestOperationsTakeAndGiveStreams(t *testing.T) {
	g := begin(t)
	r, w := g.pipe()
	h, _ := g.start("PROBE", "probe.take", (&abi.KVPutRequest{Stream: abi.Handle(r)}).AppendCBOR(nil))
	g.want(5, hosttest.Write, w, 0, 5)
	g.want(0, hosttest.Close, w, abi.CloseFinish)
	if code := replyCode(g.finish(h)); code != 0 {
		t.Errorf("take: %v", code)
	}
	g.want(minus(abi.CodeBadHandle), hosttest.Read, r, 0, 1)

	r, w = g.pipe()
	h, _ = g.start("PROBE", "probe.take", (&abi.KVPutRequest{Stream: abi.Handle(r)}).AppendCBOR(nil))
	g.want(0, hosttest.Close, uint64(h), abi.CloseAbort) // cancels the operation, which closes the stream
	settle(t, "readers", 0, func() int {
		if g.must(hosttest.Write, w, 0, 1) == int32(minus(abi.CodeStreamClosed)) {
			return 0
		}
		return 1
	})

	h, _ = g.start("PROBE", "probe.give", nil)
	var given abi.PipeReply
	if err := abi.DecodeReply(g.finish(h), &given); err != nil {
		t.Fatal(err)
	}
	if g.probe.open.Load() != 1 {
		t.Errorf("%d streams are open", g.probe.open.Load())
	}
	if code := g.ask("", abi.OpRespond, (&abi.RespondRequest{Stream: given.Readable}).AppendCBOR(nil)); code != 0 {
		t.Errorf("respond: %v", code)
	}
	b, err := io.ReadAll(g.Response().Stream)
	if len(b) != 1000 || err != nil {
		t.Errorf("the response has %d bytes (%v)", len(b), err)
	}
	g.Response().Stream.Close()
	g.End()
	if g.probe.open.Load() != 0 {
		t.Error("the stream is open after the event")
	}
}

func TestLimitsOfAnEventHaveTheirCodes(t *testing.T) {
	g := newGuest(t, hostfuncs.Limits{Handles: 4, Operations: 10, LogBytes: 300})
	g.event()
	for range 4 {
		g.start("PROBE", "probe.slow", nil)
	}
	if n, _ := g.start("PROBE", "probe.slow", nil); int(n) != minus(abi.CodeTooManyHandles) {
		t.Errorf("a fifth handle: %d", n)
	}
	g.want(0, hosttest.Close, 1, 0)
	if n, _ := g.start("PROBE", "probe.slow", nil); n != 5 {
		t.Errorf("after one was closed: %d, want the new handle 5", n)
	}
	for range 4 {
		g.start("PROBE", "probe.slow", nil)
	}
	if n, _ := g.start("PROBE", "probe.slow", nil); int(n) != minus(abi.CodeLimitExceeded) {
		t.Errorf("an eleventh operation: %d", n)
	}
	if n, _ := g.start("", abi.OpRespond, (&abi.RespondRequest{}).AppendCBOR(nil)); n != 6 {
		t.Errorf("the response after all operations, with all handles open: %d", n)
	}
	g.want(0, hosttest.Log, 1, 0, 100)
	g.want(0, hosttest.Log, 1, 0, 300-100-2*hostfuncs.LogLineBytes)
	g.want(minus(abi.CodeLimitExceeded), hosttest.Log, 1, 0, 0)
	settle(t, "operations", 1, func() int {
		if g.End() {
			return 0
		}
		return 2
	})
	g.event()
	g.want(0, hosttest.Log, 1, 0, 100)
}

func TestAnImmediateOperationIsDoneWhenItsCallReturns(t *testing.T) {
	g := begin(t)
	h, _ := g.start("PROBE", "probe.now", []byte("hello"))
	g.want(5, hosttest.Result, uint64(h), atReply, replyCap)
	h, _ = g.start("PROBE", "probe.now", nil)
	if code := replyCode(g.finish(h)); code != abi.CodeInvalidArgument {
		t.Errorf("an operation that fails: %v", code)
	}
	long := bytes.Repeat([]byte("long"), 5000)
	h, _ = g.start("PROBE", "probe.now", long)
	if got := g.finish(h); !bytes.Equal(got, long) {
		t.Errorf("a long message comes back as %.20q", got)
	}
}

func TestABriefOperationIsDoneOnceItIsWaitedForWithATimeout(t *testing.T) {
	g := begin(t)
	for _, tc := range []struct {
		op   string
		wait time.Duration
		want int
	}{
		{"probe.brief", time.Millisecond, 0},
		{"probe.brief", 0, minus(abi.CodeTimeout)},
		{"probe.slow", time.Millisecond, minus(abi.CodeTimeout)},
	} {
		h, _ := g.start("PROBE", tc.op, []byte("hello"))
		g.put(atTarget, []byte{byte(h), byte(h >> 8), 0, 0})
		g.want(tc.want, hosttest.Wait, atTarget, 1, uint64(tc.wait))
	}
}

// TestRepliesOfImmediateOperationsAreTheirOwn leaves some replies where they are while the memory of others is used again.
func TestRepliesOfImmediateOperationsAreTheirOwn(t *testing.T) {
	g := begin(t)
	left := map[int32]string{}
	for i := range 200 {
		text := strings.Repeat(string(rune('a'+i%26)), 1+i%50)
		h, _ := g.start("PROBE", []string{"probe.now", "probe.now", "probe.echo"}[i%3], []byte(text))
		if i%10 == 0 {
			left[h] = text
		} else if got := string(g.finish(h)); got != text {
			t.Errorf("call %d: %q, want %q", i, got, text)
		}
		if own, _ := g.start("", abi.OpBindings, nil); len(g.finish(own)) < 10 {
			t.Errorf("call %d: the runtime's own operation has a wrong reply", i)
		}
		if i%50 == 49 {
			for h, text := range left {
				if got := string(g.finish(h)); got != text {
					t.Errorf("the reply that was left is %q, want %q", got, text)
				}
			}
			clear(left)
			g.End()
			g.event()
		}
	}
}

func TestABatchCanBeSettledAfterAllOperations(t *testing.T) {
	g := newGuest(t, hostfuncs.Limits{Handles: 4, Operations: 2, LogBytes: 300})
	g.event()
	var said string
	op := func(name string) hostfuncs.Operation {
		return hostfuncs.Operation{Name: name, Run: func(_ context.Context, _ *hostfuncs.Call, _, dst []byte) ([]byte, error) {
			said += name + " "
			return dst, nil
		}}
	}
	g.Background([]hostfuncs.Operation{op(abi.OpAck), op(abi.OpRetry)})
	for range 2 {
		g.ask("", abi.OpBindings, nil)
	}
	if n, _ := g.start("", abi.OpBindings, nil); int(n) != minus(abi.CodeLimitExceeded) {
		t.Errorf("a third operation: %d", n)
	}
	for _, name := range []string{abi.OpAck, abi.OpRetry, abi.OpFail} {
		if code := g.ask("", name, (&abi.FailRequest{Message: "late"}).AppendCBOR(nil)); code != 0 {
			t.Errorf("%s: %v", name, code)
		}
	}
	if err := g.Failure(); said != "ack retry " || err == nil || err.Error() != "late" {
		t.Errorf("said %q, failure %v", said, err)
	}
}

func TestLogLinesAreValidText(t *testing.T) {
	g := begin(t)
	for text, want := range map[string]string{"plain é": "plain é", "a\xffb": "a\uFFFDb", "\xed\xa0\x80": "\uFFFD", "": ""} {
		g.put(atMessage, []byte(text))
		g.want(0, hosttest.Log, abi.LogWarn, atMessage, uint64(len(text)))
		if g.line != want {
			t.Errorf("%q was logged as %q, want %q", text, g.line, want)
		}
	}
}

func TestPrivateCausesStayInTheHost(t *testing.T) {
	err := hostfuncs.Fail(abi.CodeStorageFailed, "it failed", errors.New("secret path"))
	if !errors.Is(err, abi.CodeStorageFailed) || !strings.Contains(err.Error(), "secret path") {
		t.Errorf("%v", err)
	}
	var public *abi.Error
	if !errors.As(err, &public) || public.Error() != "it failed" {
		t.Errorf("public face %v", public)
	}
}

func TestWorkInTheHostIsCharged(t *testing.T) {
	g := begin(t)
	for name, test := range map[string]struct {
		least int
		run   func()
	}{
		"a call":               {100, func() { g.must(hosttest.Close, 99, 0) }},
		"a message of 100 KiB": {20_000, func() { g.must(hosttest.Call, 0, 0, 0, 0, 0, 100<<10) }},
		"waiting for 1024":     {10_000, func() { g.must(hosttest.Wait, 0, 1024, 0) }},
		"a log line":           {1000, func() { g.must(hosttest.Log, 1, 0, 1) }},
	} {
		before := g.units
		test.run()
		if got := g.units - before; got < test.least {
			t.Errorf("%s charges %d units, want %d at least", name, got, test.least)
		}
	}
}

func TestAClientThatIsCutOffDoesNotCancel(t *testing.T) {
	g := begin(t)
	g.End()
	ctx, cancel := context.WithCancel(context.Background())
	g.Begin(ctx, hostfuncs.PhaseEvent, nil, time.Now().Add(50*time.Millisecond))
	h, _ := g.start("PROBE", "probe.slow", nil)
	g.list(uint64(h))
	g.want(minus(abi.CodeTimeout), hosttest.Wait, atTarget, 1, uint64(time.Millisecond))
	g.CutParent()
	cancel()
	start := time.Now()
	if _, err := g.invoke(hosttest.Wait, atTarget, 1, forever); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the deadline", err)
	}
	if time.Since(start) < 20*time.Millisecond {
		t.Error("the client's leaving ended the event")
	}
}

func TestManyEventsWithOperationsUnderWayReuseASession(t *testing.T) {
	g := newGuest(t, hostfuncs.Limits{Handles: 64, Operations: 100_000, LogBytes: 1000})
	for range 20_000 {
		g.event()
		first, _ := g.start("PROBE", "probe.echo", []byte{0xa0})
		second, _ := g.start("PROBE", "probe.echo", []byte{0xa0})
		g.finish(first)
		g.finish(second)
		if !g.End() {
			g.renew()
		}
	}
}
