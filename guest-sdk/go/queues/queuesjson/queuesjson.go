// Package queuesjson sends Go values to queues as JSON and reads them. It is separate from package queues because encoding/json and the
// reflection it needs add more than a megabyte to a function.
package queuesjson

import (
	"encoding/json"

	"github.com/pagesrun/pagesrun/guest-sdk/go/queues"
)

// Send encodes a value and sends it; see [queues.Queue.Send].
func Send(q queues.Queue, value any, options ...queues.SendOption) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return q.SendJSON(string(b), options...)
}

// NewMessage encodes a value as a message of a batch to send.
func NewMessage(value any, options ...queues.SendOption) (queues.Outgoing, error) {
	b, err := json.Marshal(value)
	return queues.NewMessage(b, append(options[:len(options):len(options)], queues.JSON)...), err
}

// Decode reads the body of a message.
func Decode[T any](m *queues.Message) (value T, err error) {
	err = json.Unmarshal(m.Body, &value)
	return value, err
}
