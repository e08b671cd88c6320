package kv

import (
	"io"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
)

// PutOption changes a write.
type PutOption func(*abi.KVPutRequest)

// TTL lets the key go after d, at least 60 seconds; fractions of a second are cut. It wins over [Expiration].
func TTL(d time.Duration) PutOption {
	return func(q *abi.KVPutRequest) { q.ExpirationTTLS = seconds(d) }
}

// Expiration lets the key go at t, at least 60 seconds from now; fractions of a second are cut.
func Expiration(t time.Time) PutOption {
	return func(q *abi.KVPutRequest) {
		s := t.Unix()
		q.Expiration = &s
	}
}

// Metadata stores a JSON document of at most 1024 bytes with the key; lists return it.
func Metadata(document string) PutOption {
	return func(q *abi.KVPutRequest) { q.Metadata = (*abi.JSON)(&document) }
}

// put makes the message of a write.
func put(key string, value []byte, options []PutOption) *abi.KVPutRequest {
	q := &abi.KVPutRequest{Key: abi.ByteString(key), Value: value}
	for _, o := range options {
		o(q)
	}
	return q
}

// Put stores a value of at most 25 MiB. What was there before is replaced whole, metadata and expiration included. When Put returns nil the value is
// durable.
func (ns Namespace) Put(key string, value []byte, options ...PutOption) error {
	_, err := pagesrun.Invoke[abi.KVPutReply](string(ns), abi.OpKVPut, put(key, value, options))
	return err
}

// PutText is [Namespace.Put] for text.
func (ns Namespace) PutText(key, value string, options ...PutOption) error {
	return ns.Put(key, []byte(value), options...)
}

// PutStream stores what r has, without holding it in memory. A [*pagesrun.Stream], such as a request's body, is handed over unread. When r fails,
// or has more than 25 MiB, nothing is stored.
func (ns Namespace) PutStream(key string, r io.Reader, options ...PutOption) error {
	h, pump, err := pagesrun.Feed(r)
	if err != nil {
		return err
	}
	q := put(key, nil, options)
	q.Stream = h
	f := pagesrun.Start[abi.KVPutReply](string(ns), abi.OpKVPut, q)
	failed := pump()
	_, err = f.Await()
	if failed != nil {
		return failed
	}
	return err
}

// Delete removes a key. A key that is not there is no error.
func (ns Namespace) Delete(key string) error { return ns.DeleteAsync(key).Await() }

// WriteFuture is a write or deletion in progress.
type WriteFuture struct{ await func() error }

// Await waits until the write is durable.
func (f WriteFuture) Await() error { return f.await() }

// PutAsync starts storing a value; it is copied before PutAsync returns.
func (ns Namespace) PutAsync(key string, value []byte, options ...PutOption) WriteFuture {
	return written(pagesrun.Start[abi.KVPutReply](string(ns), abi.OpKVPut, put(key, value, options)))
}

// DeleteAsync starts removing a key.
func (ns Namespace) DeleteAsync(key string) WriteFuture {
	return written(pagesrun.Start[abi.KVDeleteReply](string(ns), abi.OpKVDelete, &abi.KVDeleteRequest{Key: abi.ByteString(key)}))
}

// written makes a future of one whose reply is empty.
func written[R any](f *pagesrun.Future[R]) WriteFuture {
	return WriteFuture{func() error {
		_, err := f.Await()
		return err
	}}
}
