package abi

// Value types of "kv.get" and "kv.get_bulk", spelled as the platform spells them.
const (
	// KVText asks for the value as text. The default.
	KVText = "text"
	// KVJSON asks for the value as a JSON document; the SDK parses it.
	KVJSON = "json"
	// KVArrayBuffer asks for the value as bytes.
	KVArrayBuffer = "arrayBuffer"
	// KVStream asks for the value as a readable stream.
	KVStream = "stream"
)

// Limits of KV, the platform's numbers.
const (
	// KVKeyBytesMax is the longest key, in bytes of UTF-8.
	KVKeyBytesMax = 512
	// KVValueBytesMax is the longest value: 25 MiB.
	KVValueBytesMax = 26_214_400
	// KVMetadataBytesMax is the longest metadata, in bytes of its JSON form.
	KVMetadataBytesMax = 1024
	// KVListLimitMax is the most keys on one page of a list, and the default.
	KVListLimitMax = 1000
	// KVBulkKeysMax is the most keys in one bulk get.
	KVBulkKeysMax = 100
	// KVExpirationTTLMinS is the nearest expiration, in seconds from now.
	KVExpirationTTLMinS = 60
	// KVCacheTTLMinS is the shortest cacheTtl, in seconds.
	KVCacheTTLMinS = 30
)

// KVGetRequest reads one key.
//
//pagesrun:op kv.get
//pagesrun:errors invalid_argument storage_failed
type KVGetRequest struct {
	// Key is the key's name: 1 to 512 bytes of UTF-8, not "." or "..".
	Key ByteString `cbor:"1"`
	// Type is "text" (also when empty), "json", "arrayBuffer" or "stream". An unknown type is an error only where the key exists.
	Type string `cbor:"2"`
	// CacheTTLS is accepted and checked (at least 30 seconds); reads here are never stale, so nothing is cached.
	CacheTTLS *int64 `cbor:"3"`
	// WithMetadata asks for the key's metadata too.
	WithMetadata bool `cbor:"4"`
}

// KVGetReply is the value of one key.
type KVGetReply struct {
	// Found is false when there is no such key or it has expired; the other fields are empty then.
	Found bool `cbor:"1"`
	// Value is the value, unless a stream was asked for.
	Value []byte `cbor:"2"`
	// Stream is the readable stream of the value when Type was "stream".
	Stream Handle `cbor:"3"`
	// Metadata is the metadata's JSON, absent when there is none or it was not asked for.
	Metadata *JSON `cbor:"4"`
}

// KVGetBulkRequest reads up to 100 keys, 25 MiB together.
//
//pagesrun:op kv.get_bulk
//pagesrun:errors invalid_argument too_large storage_failed
type KVGetBulkRequest struct {
	// Keys are the names to read. A name given twice is answered once.
	Keys []ByteString `cbor:"1"`
	// Type is "text" (also when empty) or "json". With "json" every value found must parse.
	Type string `cbor:"2"`
	// CacheTTLS is accepted and checked as in [KVGetRequest].
	CacheTTLS *int64 `cbor:"3"`
	// WithMetadata asks for metadata too.
	WithMetadata bool `cbor:"4"`
}

// KVGetBulkReply has the keys in the order of their first mention, missing ones in place.
type KVGetBulkReply struct {
	// Entries has one entry for each distinct key asked for.
	Entries []KVEntry `cbor:"1"`
}

// KVEntry is one key of a bulk get.
type KVEntry struct {
	// Key is the key's name.
	Key ByteString `cbor:"1"`
	// Found is false when there is no such key or it has expired.
	Found bool `cbor:"2"`
	// Value is the value.
	Value []byte `cbor:"3"`
	// Metadata is the metadata's JSON, absent when there is none or it was not asked for.
	Metadata *JSON `cbor:"4"`
}

// KVPutRequest writes one key. What was there before is replaced whole: a put without metadata or expiration erases them. The reply
// comes when the write is durable.
//
//pagesrun:op kv.put
//pagesrun:errors invalid_argument too_large storage_full storage_failed stream_closed
type KVPutRequest struct {
	// Key is the key's name: 1 to 512 bytes of UTF-8, not "." or "..".
	Key ByteString `cbor:"1"`
	// Value is the value, when Stream is 0. At most 25 MiB.
	Value []byte `cbor:"2"`
	// Stream is a readable stream whose bytes become the value. It is taken from the guest. Over 25 MiB nothing is stored.
	Stream Handle `cbor:"3"`
	// Expiration is when the key goes, in seconds since the Unix epoch; at least 60 from now. Ignored when ExpirationTTLS is there.
	Expiration *int64 `cbor:"4"`
	// ExpirationTTLS is after how many seconds the key goes; at least 60.
	ExpirationTTLS *int64 `cbor:"5"`
	// Metadata is any JSON document of at most 1024 bytes; absent or "null" means none.
	Metadata *JSON `cbor:"6"`
}

// KVPutReply says that the value is stored.
type KVPutReply struct{}

// KVDeleteRequest removes one key. A key that is not there is no error.
//
//pagesrun:op kv.delete
//pagesrun:errors invalid_argument storage_failed
type KVDeleteRequest struct {
	// Key is the key's name.
	Key ByteString `cbor:"1"`
}

// KVDeleteReply says that the key is gone.
type KVDeleteReply struct{}

// KVListRequest lists keys in the order of their UTF-8 bytes.
//
//pagesrun:op kv.list
//pagesrun:errors invalid_argument storage_failed
type KVListRequest struct {
	// Prefix limits the list to keys that begin with it; at most 512 bytes. It must be repeated on every page.
	Prefix ByteString `cbor:"1"`
	// Limit is the most keys on this page: at most 1000, the default; zero and less mean the default.
	Limit *int64 `cbor:"2"`
	// Cursor is the cursor of the page before, empty for the first.
	Cursor string `cbor:"3"`
}

// KVListReply is one page of keys.
type KVListReply struct {
	// Keys are the keys of the page, without expired ones.
	Keys []KVKey `cbor:"1"`
	// ListComplete says that nothing follows.
	ListComplete bool `cbor:"2"`
	// Cursor asks for the next page; only there when ListComplete is false. Opaque.
	Cursor string `cbor:"3"`
}

// KVKey is one key of a list.
type KVKey struct {
	// Name is the key's name.
	Name ByteString `cbor:"1"`
	// Expiration is when the key goes, in seconds since the Unix epoch; absent when it stays.
	Expiration *int64 `cbor:"2"`
	// Metadata is the metadata's JSON, absent when there is none.
	Metadata *JSON `cbor:"3"`
}
