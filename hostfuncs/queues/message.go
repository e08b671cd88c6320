package queues

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/pagesrun/pagesrun/abi"
)

// A message is stored with one header of fixed width that has all that is known about it, and a second one that pads the headers to one width. So the
// bytes of the bodies in a stream can be told from the size of the stream and the number of its messages.
const (
	headerMessage = "Pagesrun-Message"
	headerPadding = "Pad"
	// headerBytes is the size of a stored message's headers. It has room for what sending in one step and removing doubles add.
	headerBytes = 256
	// recordBytes is what JetStream's files add to each message, beside subject, headers and body.
	recordBytes = 22 + 4 + 8
)

// stored is what a message's header says.
type stored struct {
	id          string // 32 hexadecimal digits
	sentMS      int64  // when it was sent
	notBeforeMS int64  // when it may be delivered at the earliest; 0 means at once
	contentType string
}

// contentTypes gives each content type a letter.
var contentTypes = map[string]string{abi.QueueJSON: "j", abi.QueueText: "t", abi.QueueBytes: "b"}

func newID() string {
	var id [16]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

// header gives the header's value: id, sending time, earliest delivery, content type.
func (s *stored) header() string {
	return fmt.Sprintf("%s %015d %015d %s", s.id, s.sentMS, s.notBeforeMS, contentTypes[s.contentType])
}

var errHeader = errors.New("the message was not stored by pagesrun")

// parseHeader reads what header wrote.
func parseHeader(value string) (stored, error) {
	fields := strings.Split(value, " ")
	if len(fields) != 4 || len(fields[0]) != 32 {
		return stored{}, errHeader
	}
	s := stored{id: fields[0]}
	var sent, before error
	s.sentMS, sent = strconv.ParseInt(fields[1], 10, 64)
	s.notBeforeMS, before = strconv.ParseInt(fields[2], 10, 64)
	for name, letter := range contentTypes {
		if letter == fields[3] {
			s.contentType = name
		}
	}
	if sent != nil || before != nil || s.contentType == "" {
		return stored{}, errHeader
	}
	return s, nil
}

// message makes what is published.
func (s *stored) message(subject string, body []byte) *nats.Msg {
	return &nats.Msg{Subject: subject, Data: body, Header: nats.Header{headerMessage: {s.header()}}}
}

// pad fills the headers up to headerBytes. Nothing may be added to them afterwards.
func pad(m *nats.Msg) {
	size := len("NATS/1.0\r\n") + len("\r\n") + len(headerPadding) + len(": \r\n")
	for name, values := range m.Header {
		for _, v := range values {
			size += len(name) + len(v) + len(": \r\n")
		}
	}
	m.Header[headerPadding] = []string{strings.Repeat("0", max(1, headerBytes-size))}
}
