package kv

import (
	"time"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
)

// Namespace is the name of a KV binding in the configuration.
type Namespace string

// Entry is a value with its metadata.
type Entry struct {
	// Key is the key's name.
	Key string
	// Found is false when there is no such key or it has expired.
	Found bool
	// Value is the value.
	Value []byte
	// Metadata is the metadata's JSON, empty when there is none.
	Metadata string
}

// GetOption changes a read.
type GetOption func(*getRequest)

type getRequest struct{ cacheTTLS *int64 }

// CacheTTL is accepted for the platform's sake and checked (at least 30 seconds); reads are never stale.
func CacheTTL(d time.Duration) GetOption {
	return func(q *getRequest) { q.cacheTTLS = seconds(d) }
}

// seconds counts whole seconds.
func seconds(d time.Duration) *int64 {
	s := int64(d / time.Second)
	return &s
}

// get makes the message of a read.
func get(key, kind string, withMetadata bool, options []GetOption) *abi.KVGetRequest {
	var q getRequest
	for _, o := range options {
		o(&q)
	}
	return &abi.KVGetRequest{Key: abi.ByteString(key), Type: kind, CacheTTLS: q.cacheTTLS, WithMetadata: withMetadata}
}

// Get reads the value of a key; ok is false when there is no such key. The bytes are the caller's own.
func (ns Namespace) Get(key string, options ...GetOption) (value []byte, ok bool, err error) {
	r, err := ns.read(get(key, abi.KVArrayBuffer, false, options))
	return r.Value, r.Found, err
}

// GetText reads the value of a key as text; ok is false when there is no such key.
func (ns Namespace) GetText(key string, options ...GetOption) (value string, ok bool, err error) {
	r, err := ns.read(get(key, abi.KVText, false, options))
	return string(r.Value), r.Found, err
}

// GetFunc reads the value of a key and hands it to unmarshal, such as json.Unmarshal with its second argument bound. unmarshal is not
// called when there is no such key.
func (ns Namespace) GetFunc(key string, unmarshal func([]byte) error, options ...GetOption) (ok bool, err error) {
	r, err := ns.read(get(key, abi.KVJSON, false, options))
	if err != nil || !r.Found {
		return false, err
	}
	return true, unmarshal(r.Value)
}

// GetWithMetadata reads value and metadata of a key; Found says whether there is one.
func (ns Namespace) GetWithMetadata(key string, options ...GetOption) (Entry, error) {
	r, err := ns.read(get(key, abi.KVArrayBuffer, true, options))
	return Entry{Key: key, Found: r.Found, Value: r.Value, Metadata: text(r.Metadata)}, err
}

// GetStream reads the value of a key as a stream, without holding it in memory; ok is false when there is no such key. The
// stream can be given to a response unread.
func (ns Namespace) GetStream(key string, options ...GetOption) (value *pagesrun.Stream, ok bool, err error) {
	r, err := ns.read(get(key, abi.KVStream, false, options))
	if err != nil || !r.Found {
		return nil, false, err
	}
	return pagesrun.NewStream(r.Stream), true, nil
}

// GetBulk reads up to 100 keys, 25 MiB together, with their metadata, in one operation. Entries come in the order of their first mention;
// missing ones are in place with Found false.
func (ns Namespace) GetBulk(keys ...string) ([]Entry, error) {
	q := abi.KVGetBulkRequest{Keys: make([]abi.ByteString, len(keys)), WithMetadata: true}
	for i, key := range keys {
		q.Keys[i] = abi.ByteString(key)
	}
	r, err := pagesrun.Invoke[abi.KVGetBulkReply](string(ns), abi.OpKVGetBulk, &q)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, len(r.Entries))
	for i, e := range r.Entries {
		entries[i] = Entry{Key: string(e.Key), Found: e.Found, Value: e.Value, Metadata: text(e.Metadata)}
	}
	return entries, nil
}

func (ns Namespace) read(q *abi.KVGetRequest) (abi.KVGetReply, error) {
	return pagesrun.Invoke[abi.KVGetReply](string(ns), abi.OpKVGet, q)
}

// text is the JSON, or the empty string where there is none.
func text(j *abi.JSON) string {
	if j == nil {
		return ""
	}
	return string(*j)
}

// GetFuture is a read in progress.
type GetFuture struct {
	f *pagesrun.Future[abi.KVGetReply]
}

// GetAsync starts reading the value of a key.
func (ns Namespace) GetAsync(key string, options ...GetOption) GetFuture {
	return GetFuture{pagesrun.Start[abi.KVGetReply](string(ns), abi.OpKVGet, get(key, abi.KVArrayBuffer, false, options))}
}

// Await waits for the value and returns what [Namespace.Get] does.
func (f GetFuture) Await() (value []byte, ok bool, err error) {
	r, err := f.f.Await()
	return r.Value, r.Found, err
}

// Cancel says that nobody will ask for the value any more.
func (f GetFuture) Cancel() { f.f.Cancel() }
