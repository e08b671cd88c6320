package queues_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/pagesruntest"
	"github.com/pagesrun/pagesrun/guest-sdk/go/queues"
	"github.com/pagesrun/pagesrun/guest-sdk/go/queues/queuesjson"
)

const orders = queues.Queue("ORDERS")

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// producing runs f inside a request and gives what it has sent.
func producing(t *testing.T, f func(t *testing.T)) []string {
	t.Helper()
	function := pagesruntest.Start(t, pagesruntest.Config{Queues: []string{"ORDERS"}}, func() {
		pagesrun.HandleFetch(func(*pagesrun.Context, *pagesrun.Request) (*pagesrun.Response, error) {
			f(t)
			return pagesrun.Text(200, ""), nil
		})
	})
	function.Fetch("GET", "/", "")
	var sent []string
	for _, m := range function.Sent("ORDERS") {
		line := m.ContentType + " " + string(m.Body)
		if m.DelayS != nil {
			line += fmt.Sprint(" after ", *m.DelayS)
		}
		sent = append(sent, line)
	}
	return sent
}

func TestMessagesAreSentAsTheirOptionsSay(t *testing.T) {
	type order struct{ ID int }
	sent := producing(t, func(t *testing.T) {
		ok(t, orders.Send([]byte("1")))
		ok(t, orders.Send([]byte("a"), queues.Text, queues.Delay(0)))
		ok(t, orders.SendText("b", queues.Delay(1999*time.Millisecond)))
		ok(t, orders.SendBytes([]byte{0, 255}))
		ok(t, orders.SendJSON("[]", queues.Delay(12*time.Hour)))
		ok(t, queuesjson.Send(orders, order{7}))
		ok(t, orders.SendBatch([]queues.Outgoing{
			queues.NewMessage([]byte("x")), queues.NewMessage([]byte("2"), queues.JSON, queues.Delay(0)),
		}, queues.Text, queues.Delay(time.Minute)))
		ok(t, orders.SendBatch([]queues.Outgoing{queues.NewMessage([]byte("3"))}))
		m, err := queuesjson.NewMessage(order{8}, queues.Delay(time.Second))
		ok(t, err)
		metrics, err := orders.SendBatchAsync([]queues.Outgoing{m}).Await()
		ok(t, err)
		if metrics.BacklogCount != 10 || metrics.BacklogBytes != 26 || !metrics.Oldest.IsZero() {
			t.Errorf("%+v", metrics)
		}
	})
	want := []string{
		"json 1", "text a after 0", "text b after 1", "bytes \x00\xff", "json [] after 43200", `json {"ID":7}`,
		"text x after 60", "json 2 after 0", "json 3", `json {"ID":8} after 1`,
	}
	if strings.Join(sent, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", sent, want)
	}
}

func TestWhatCannotBeSentIsAnError(t *testing.T) {
	sent := producing(t, func(t *testing.T) {
		for what, err := range map[string]error{
			"v8":             orders.Send(nil, queues.V8),
			"a batch of v8":  orders.SendBatch([]queues.Outgoing{queues.NewMessage(nil), queues.NewMessage(nil)}, queues.V8),
			"no message":     orders.SendBatch(nil),
			"too long":       orders.SendBytes(make([]byte, abi.QueueMessageBytesMax+1)),
			"no such queue":  queues.Queue("NONE").SendText(""),
			"no JSON":        queuesjson.Send(orders, func() {}),
			"no JSON either": func() error { _, err := queuesjson.NewMessage(func() {}); return err }(),
		} {
			if err == nil {
				t.Error(what, "was sent")
			}
		}
		if _, err := queues.Queue("NONE").Metrics(); !errors.Is(err, abi.CodeNotConfigured) {
			t.Error(err)
		}
		if err := orders.Send(nil, queues.V8); !errors.Is(err, abi.CodeUnsupported) {
			t.Error(err)
		}
	})
	if len(sent) > 0 {
		t.Errorf("%q", sent)
	}
}

// consume runs a batch of four messages through a handler and says what becomes of each.
func consume(t *testing.T, h queues.Handler) (string, error) {
	t.Helper()
	function := pagesruntest.Start(t, pagesruntest.Config{}, func() { queues.Handle(h) })
	settled, err := function.Queue("q", make([]abi.QueueMessage, 4)...)
	var words []string
	for _, s := range settled {
		word := "ack"
		if s.Retried {
			word = "retry"
		}
		if s.Delay >= 0 {
			word += s.Delay.String()
		}
		words = append(words, word)
	}
	return strings.Join(words, " "), err
}

func TestWhatAHandlerSaysIsHeard(t *testing.T) {
	boom := errors.New("boom")
	for _, row := range []struct {
		name, want string
		failure    error
		handler    func(ctx *pagesrun.Context, b *queues.Batch) error
	}{
		{"nothing", "ack ack ack ack", nil, func(*pagesrun.Context, *queues.Batch) error { return nil }},
		{"an error", "retry retry retry retry", boom, func(*pagesrun.Context, *queues.Batch) error { return boom }},
		{"of single messages", "ack retry retry0s ack", nil, func(_ *pagesrun.Context, b *queues.Batch) error {
			b.Messages[0].Ack()
			b.Messages[1].Retry()
			b.Messages[2].Retry(queues.Delay(0))
			return nil
		}},
		{"acknowledged before an error", "ack retry retry retry", boom, func(_ *pagesrun.Context, b *queues.Batch) error {
			b.Messages[0].Ack()
			return boom
		}},
		{"of all", "retry5s ack retry5s retry5s", nil, func(_ *pagesrun.Context, b *queues.Batch) error {
			b.Messages[1].Ack()
			b.RetryAll(queues.Delay(5 * time.Second))
			b.AckAll()
			return nil
		}},
		{"all acknowledged", "ack retry ack ack", boom, func(_ *pagesrun.Context, b *queues.Batch) error {
			b.Messages[1].Retry()
			b.AckAll()
			return boom
		}},
		{"after the handler has returned", "retry retry ack retry", boom, func(ctx *pagesrun.Context, b *queues.Batch) error {
			ctx.WaitUntil(func() {
				b.Messages[2].Ack()
				ctx.Fail(boom)
			})
			return nil
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := consume(t, row.handler)
			if got != row.want || fmt.Sprint(err) != fmt.Sprint(row.failure) {
				t.Errorf("%s, %v", got, err)
			}
		})
	}
}

func TestABatchSaysWhatItIs(t *testing.T) {
	function := pagesruntest.Start(t, pagesruntest.Config{}, func() {
		queues.Handle(func(ctx *pagesrun.Context, b *queues.Batch) error {
			m := b.Messages[1]
			v, err := queuesjson.Decode[[]int](m)
			pagesrun.Log(pagesrun.LevelInfo, fmt.Sprint(b.Queue, " ", len(b.Messages), " ", m.ID, " ", m.Timestamp.UTC(), " ", m.Text(), " ", m.ContentType, " ", m.Attempts, " ", v, err))
			return ctx.Respond(pagesrun.Text(200, ""))
		})
	})
	_, err := function.Queue("q", abi.QueueMessage{}, abi.QueueMessage{ID: "x", TimestampMS: 1000, Body: []byte("[4]"), ContentType: "json", Attempts: 3})
	if !strings.Contains(fmt.Sprint(err), "only a fetch event has a response") {
		t.Error(err)
	}
	if got, want := function.Log(), "q 2 x 1970-01-01 00:00:01 +0000 UTC [4] json 3 [4] <nil>"; len(got) != 1 || got[0] != want {
		t.Errorf("%q", got)
	}
}

func TestAfterItsEventABatchIsPast(t *testing.T) {
	var kept *queues.Batch
	var context *pagesrun.Context
	function := pagesruntest.Start(t, pagesruntest.Config{}, func() {
		queues.Handle(func(ctx *pagesrun.Context, b *queues.Batch) error {
			if kept != nil {
				kept.RetryAll()
				kept.Messages[0].Ack()
				context.Fail(errors.New("late"))
			}
			kept, context = b, ctx
			return nil
		})
	})
	for range 2 {
		settled, err := function.Queue("q", abi.QueueMessage{})
		if settled[0].Retried || err != nil {
			t.Error(settled, err)
		}
	}
	if got := function.Log(); len(got) != 2 || got[0] != "retry: the event is over" {
		t.Errorf("%q", got)
	}
}

func TestAHandlerIsRegisteredOnce(t *testing.T) {
	for name, main := range map[string]func(){
		"nil":   func() { queues.Handle(nil) },
		"twice": func() { queues.Handle(nothing); queues.Handle(nothing) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			pagesruntest.Start(t, pagesruntest.Config{}, main)
		})
	}
}

func nothing(*pagesrun.Context, *queues.Batch) error { return nil }
