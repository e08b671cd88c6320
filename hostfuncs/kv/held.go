package kv

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// HeldBytesMax is the most bytes that values on their way through streams may take in this process, all events together. A get or
// put by stream that would exceed it fails with unavailable.
const HeldBytesMax = 256 << 20

// freeBytes is the size up to which a value that is being streamed is not counted.
const freeBytes = 64 << 10

// budget counts bytes that are held for guests.
type budget struct {
	limit int64
	used  atomic.Int64
}

// take counts n more bytes, unless that would exceed the limit.
func (b *budget) take(n int64) error {
	if b.used.Add(n) <= b.limit {
		return nil
	}
	b.used.Add(-n)
	return &abi.Error{Code: abi.CodeUnavailable, Message: "too many large KV values are being streamed; try again"}
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// stream makes a stream of a value, which counts until the stream is closed.
func (b *budget) stream(value []byte) (io.ReadCloser, error) {
	if len(value) <= freeBytes {
		return hostfuncs.MemoryStream(value), nil
	}
	n := int64(len(value))
	if err := b.take(n); err != nil {
		return nil, err
	}
	return &heldStream{Reader: bytes.NewReader(value), release: sync.OnceFunc(func() { b.give(n) })}, nil
}

// heldStream is a stream over bytes that are all there, and counted.
type heldStream struct {
	*bytes.Reader
	release func()
}

// Close ends the counting.
func (s *heldStream) Close() error {
	s.release()
	return nil
}

// readAll reads r to its end. The bytes count until release is called, which must be done whatever the error.
func (b *budget) readAll(r io.Reader) (value []byte, release func(), err error) {
	var counted int64
	release = func() { b.give(counted) }
	for value = make([]byte, 0, freeBytes); ; {
		if len(value) == cap(value) {
			more := int64(cap(value))
			if err := b.take(more); err != nil {
				return nil, release, err
			}
			counted += more
			value = append(make([]byte, 0, 2*cap(value)), value...)
		}
		n, err := r.Read(value[len(value):cap(value)])
		value = value[:len(value)+n]
		switch {
		case err == io.EOF:
			return value, release, nil
		case err != nil:
			return nil, release, streamError(err)
		}
	}
}

// streamError is what a guest is told when its stream broke off.
func streamError(err error) error {
	if public := (*abi.Error)(nil); errors.As(err, &public) {
		return err
	}
	return hostfuncs.Fail(abi.CodeStreamClosed, "the stream broke off before the value was complete; nothing was stored", err)
}
