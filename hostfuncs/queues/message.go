package queues

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/pagesrun/pagesrun/abi"
)

// Messages are stored in parcels: what is stored in one step is one message of the stream, so that it is stored whole or not at all, and synced
// once. A parcel is a version byte and, for each message, a head of fixed size and the body.
const (
	parcelVersion = 1 // never a printable character: by that jetstream notices subjects that end elsewhere
	parcelHead    = 1
	messageHead   = 16 + 8 + 8 + 1 + 4
	// parcelMessages is the most messages of a parcel.
	parcelMessages = 1000
	// recordBytes is what JetStream's files add to a stored message, beside its subject and contents.
	recordBytes = 22 + 8
	// headerBytes is the size of the NATS headers of parcels that have any; they are padded to it. With that and the number of messages in the
	// subject the bytes of the bodies in a stream can be told from its size.
	headerBytes   = 256
	headerPadding = "Pad"
)

// stored is a message as it is stored.
type stored struct {
	id          [16]byte
	sentMS      int64 // when it was sent
	notBeforeMS int64 // when it may be delivered at the earliest; 0 means at once
	contentType string
	body        []byte
}

// contentTypes are in the order of their numbers in parcels.
var contentTypes = [...]string{abi.QueueJSON, abi.QueueText, abi.QueueBytes}

func newID() (id [16]byte) {
	rand.Read(id[:])
	return id
}

// name is the message's id as guests and people see it.
func (s *stored) name() string { return hex.EncodeToString(s.id[:]) }

func (s *stored) append(dst []byte) []byte {
	dst = append(dst, s.id[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.sentMS))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.notBeforeMS))
	for number, name := range contentTypes {
		if name == s.contentType {
			dst = append(dst, byte(number))
		}
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s.body)))
	return append(dst, s.body...)
}

// pack makes a parcel.
func pack(messages []stored) []byte {
	size := parcelHead
	for i := range messages {
		size += messageHead + len(messages[i].body)
	}
	data := append(make([]byte, 0, size), parcelVersion)
	for i := range messages {
		data = messages[i].append(data)
	}
	return data
}

var errParcel = errors.New("it was not stored by this version of pagesrun")

// unpack reads a parcel. The bodies share its memory.
func unpack(data []byte) ([]stored, error) {
	if len(data) < parcelHead+messageHead || data[0] != parcelVersion {
		return nil, errParcel
	}
	var messages []stored
	for data = data[parcelHead:]; len(data) > 0; {
		if len(data) < messageHead || len(messages) == parcelMessages {
			return nil, errParcel
		}
		s := stored{id: [16]byte(data), sentMS: int64(binary.BigEndian.Uint64(data[16:])), notBeforeMS: int64(binary.BigEndian.Uint64(data[24:]))}
		kind, size := data[32], uint64(binary.BigEndian.Uint32(data[33:]))
		data = data[messageHead:]
		if int(kind) >= len(contentTypes) || size > uint64(len(data)) {
			return nil, errParcel
		}
		s.contentType, s.body, data = contentTypes[kind], data[:size:size], data[size:]
		messages = append(messages, s)
	}
	return messages, nil
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
