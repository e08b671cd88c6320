package queues

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
)

func TestWhatCannotBeSent(t *testing.T) {
	r := openRig(t, rigOptions{relaxed: true}, &Producer{Binding: "Q", Queue: "q"})
	long := bytes.Repeat([]byte("x"), abi.QueueMessageBytesMax+1)
	send := func(body []byte, kind string, delay *int64) func() error {
		return func() error {
			return r.send("Q", abi.QueuesSendRequest{Body: body, ContentType: kind, DelayS: delay})
		}
	}
	batch := func(delay *int64, list ...abi.QueueSend) func() error {
		return func() error { return r.sendBatch("Q", abi.QueuesSendBatchRequest{Messages: list, DelayS: delay}) }
	}
	many := func(n, size int) (list []abi.QueueSend) {
		for range n {
			list = append(list, abi.QueueSend{Body: make([]byte, size), ContentType: "bytes"})
		}
		return list
	}
	good := abi.QueueSend{Body: []byte("1")}
	for _, c := range []struct {
		name string
		call func() error
		code abi.Code
		text string // of the error; "" where there is none
	}{
		{"a message of the greatest length", send(long[:abi.QueueMessageBytesMax], "text", nil), 0, ""},
		{"a message beyond the greatest length", send(long, "text", nil), abi.CodeTooLarge, "message length of 128001 bytes exceeds limit of 128000"},
		{"an empty text", send(nil, "text", nil), 0, ""},
		{"an empty body", send(nil, "bytes", nil), 0, ""},
		{"JSON null", send([]byte("null"), "", nil), 0, ""},
		{"a type in capitals", send([]byte("a"), "TEXT", nil), 0, ""},
		{"a type of another case", send([]byte{0xff}, "Bytes", nil), 0, ""},
		{"an unknown type", send([]byte("a"), "xml", nil), abi.CodeInvalidArgument, "Unsupported queue message content type: xml"},
		{"values of JavaScript", send([]byte("a"), "v8", nil), abi.CodeUnsupported, `content type "v8" is for JavaScript values`},
		{"nothing as JSON", send(nil, "json", nil), abi.CodeInvalidArgument, `Content Type "json" requires a body that is valid JSON`},
		{"half of a JSON document", send([]byte(`{"a":`), "json", nil), abi.CodeInvalidArgument, `Content Type "json" requires a body that is valid JSON`},
		{"text that is none", send([]byte{0xff}, "text", nil), abi.CodeInvalidArgument, `Content Type "text" requires a body that is valid UTF-8`},
		{"no delay", send([]byte("1"), "", number(0)), 0, ""},
		{"the longest delay", send([]byte("1"), "", number(43_200)), 0, ""},
		{"a longer delay", send([]byte("1"), "", number(43_201)), abi.CodeInvalidArgument, "delaySeconds must be between 0 and 43200, not 43201"},
		{"a negative delay", send([]byte("1"), "", number(-1)), abi.CodeInvalidArgument, "delaySeconds must be between 0 and 43200, not -1"},
		{"the type is checked before the length", send(long, "xml", nil), abi.CodeInvalidArgument, "Unsupported"},
		{"the length is checked before the delay", send(long, "text", number(-1)), abi.CodeTooLarge, "message length"},
		{"no messages", batch(nil), abi.CodeInvalidArgument, "sendBatch() requires at least one message"},
		{"a hundred messages", batch(nil, many(100, 1)...), 0, ""},
		{"a hundred and one messages", batch(nil, many(101, 1)...), abi.CodeTooLarge, "batch message count of 101 exceeds limit of 100"},
		{"the most bytes", batch(nil, many(2, 128_000)...), 0, ""},
		{"a byte more", batch(nil, append(many(2, 127_999), many(1, 3)...)...), abi.CodeTooLarge, "batch size of 256001 bytes exceeds limit of 256000"},
		{"one message too long", batch(nil, append(many(1, 1), many(1, 128_001)...)...), abi.CodeTooLarge, "message length of 128001 bytes exceeds limit of 128000"},
		{"one message of an unknown type", batch(nil, good, abi.QueueSend{ContentType: "xml"}), abi.CodeInvalidArgument, "Unsupported queue message content type: xml"},
		{"a batch with a delay too long", batch(number(43_201), good), abi.CodeInvalidArgument, "delaySeconds must be between 0 and 43200, not 43201"},
		{"a message with a delay too long", batch(nil, abi.QueueSend{Body: []byte("1"), DelayS: number(43_201)}), abi.CodeInvalidArgument, "delaySeconds"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := r.metrics("Q")
			err := c.call()
			var public *abi.Error
			switch {
			case c.text == "" && err != nil:
				t.Fatal(err)
			case c.text == "":
				return
			case !errors.As(err, &public) || public.Code != c.code || !strings.Contains(public.Message, c.text):
				t.Errorf("the error is %v, want %v: %s", err, c.code, c.text)
			}
			if after := r.metrics("Q"); after.BacklogCount != before.BacklogCount || after.BacklogBytes != before.BacklogBytes {
				t.Errorf("what was refused is stored: %+v, before %+v", after, before)
			}
		})
	}
}

func TestTheFirstDelaySaidCounts(t *testing.T) {
	for _, c := range []struct {
		name           string
		message, batch *int64
		producer, want int64
	}{
		{"none", nil, nil, 0, 0},
		{"the producer's", nil, nil, 7, 7},
		{"the batch's before the producer's", nil, number(5), 7, 5},
		{"the message's before the batch's", number(3), number(5), 7, 3},
		{"a message's 0", number(0), number(5), 7, 0},
		{"a batch's 0", nil, number(0), 7, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := checkedBatch(&abi.QueuesSendBatchRequest{Messages: []abi.QueueSend{{Body: []byte("1"), DelayS: c.message}}, DelayS: c.batch}, c.producer)
			if err != nil || list[0].delayS != c.want {
				t.Errorf("the delay is %d, want %d (%v)", list[0].delayS, c.want, err)
			}
		})
	}
}
