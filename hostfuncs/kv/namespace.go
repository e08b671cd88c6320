package kv

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/abi/cbor"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

// Get reads one key. Whatever type is asked for, the value is in the reply's Value.
func (n *Namespace) Get(ctx context.Context, q *abi.KVGetRequest) (abi.KVGetReply, error) {
	var reply abi.KVGetReply
	b, err := n.appendGet(ctx, q, nil)
	if err != nil {
		return reply, err
	}
	return reply, reply.DecodeCBOR(b)
}

// appendGet appends the reply to a get, of any type but a stream, to dst. It writes what [abi.KVGetReply.AppendCBOR] would, without
// the value being copied on the way.
func (n *Namespace) appendGet(ctx context.Context, q *abi.KVGetRequest, dst []byte) ([]byte, error) {
	if err := checkGet(q); err != nil {
		return dst, err
	}
	out := dst
	reply := func(r row) (err error) {
		if err = checkType(q.Type); err == nil {
			out, err = r.appendReply(dst, q.WithMetadata)
		}
		return err
	}
	err := n.db.Read(ctx, func(c *sqlite.Conn) error {
		if q.WithMetadata {
			return n.read(c, string(q.Key), reply)
		}
		return n.readValue(c, string(q.Key), reply)
	})
	if err != nil {
		return dst, n.db.Public(err)
	}
	if len(out) == len(dst) {
		return new(abi.KVGetReply).AppendCBOR(dst), nil
	}
	return out, nil
}

// appendReply appends the reply that holds the entry: what [abi.KVGetReply.AppendCBOR] makes of it.
func (r row) appendReply(dst []byte, withMetadata bool) ([]byte, error) {
	length, fields := r.length(), 1
	var metadata []byte
	if withMetadata {
		metadata = r.metadata()
	}
	if length > 0 {
		fields++
	}
	if metadata != nil {
		fields++
	}
	out := cbor.AppendBool(cbor.AppendUint(cbor.AppendMap(dst, fields), 1), true)
	if length > 0 {
		var err error
		out = cbor.AppendBytesHead(cbor.AppendUint(out, 2), length)
		if out, err = r.appendValue(out, length); err != nil {
			return dst, err
		}
	}
	if metadata != nil {
		out = cbor.AppendText(cbor.AppendUint(out, 4), string(metadata))
	}
	return out, nil
}

// GetBulk reads up to 100 keys in one state of the namespace.
func (n *Namespace) GetBulk(ctx context.Context, q *abi.KVGetBulkRequest) (abi.KVGetBulkReply, error) {
	var reply abi.KVGetBulkReply
	if err := checkGetBulk(q); err != nil {
		return reply, err
	}
	keys := distinct(q.Keys)
	err := n.db.Read(ctx, func(c *sqlite.Conn) error {
		return c.Snapshot(func() error {
			b := bulk{request: q, entries: make([]abi.KVEntry, len(keys))}
			for i, key := range keys {
				b.entries[i].Key = key
				if err := n.read(c, string(key), func(r row) error { return b.add(&b.entries[i], r) }); err != nil {
					return err
				}
			}
			reply.Entries = b.entries
			return nil
		})
	})
	return reply, n.db.Public(err)
}

// distinct gives the keys in the order of their first mention.
func distinct(keys []abi.ByteString) []abi.ByteString {
	seen := make(map[abi.ByteString]bool, len(keys))
	list := make([]abi.ByteString, 0, len(keys))
	for _, key := range keys {
		if !seen[key] {
			seen[key] = true
			list = append(list, key)
		}
	}
	return list
}

// bulk is a bulk get in progress.
type bulk struct {
	request *abi.KVGetBulkRequest
	entries []abi.KVEntry
	bytes   int
}

// add fills in the entry of a key that was found.
func (b *bulk) add(e *abi.KVEntry, r row) (err error) {
	length := r.length()
	if b.bytes += length; b.bytes > bulkBytesMax {
		return failed(methodGetBulk, 413, "Total size of request exceeds the limit of 25MB")
	}
	e.Found = true
	if e.Value, err = r.appendValue(nil, length); err != nil {
		return err
	}
	if b.request.Type == abi.KVJSON && !json.Valid(e.Value) {
		return failed(methodGetBulk, 400, "At least one of the requested keys corresponds to a non-json value")
	}
	if b.request.WithMetadata {
		e.Metadata = jsonOf(r.metadata())
	}
	return nil
}

// jsonOf copies metadata out of SQLite's memory; nil stays nil.
func jsonOf(metadata []byte) *abi.JSON {
	if metadata == nil {
		return nil
	}
	j := abi.JSON(metadata)
	return &j
}

// Put writes one key with the value in the request, and returns when it is durable.
func (n *Namespace) Put(ctx context.Context, q *abi.KVPutRequest) error {
	now := n.seconds()
	if err := checkPut(q, now); err != nil {
		return err
	}
	if err := checkValueLength(len(q.Value)); err != nil {
		return err
	}
	e := newEntry(q, now)
	return n.db.Public(n.db.Write(ctx, len(q.Value), e.store))
}

// newEntry is the entry that a put, already checked, stores.
func newEntry(q *abi.KVPutRequest, now int64) *entry {
	e := &entry{key: string(q.Key), value: q.Value, expiration: never}
	switch {
	case q.ExpirationTTLS != nil:
		e.expiration = now + *q.ExpirationTTLS
	case q.Expiration != nil:
		e.expiration = *q.Expiration
	}
	if q.Metadata != nil && !isNull(*q.Metadata) {
		e.metadata = string(*q.Metadata)
	}
	return e
}

// Delete removes one key, if it is there, and returns when that is durable.
func (n *Namespace) Delete(ctx context.Context, q *abi.KVDeleteRequest) error {
	if err := checkKey(methodDelete, string(q.Key)); err != nil {
		return err
	}
	return n.db.Public(n.db.Write(ctx, 0, func(c *sqlite.Conn) error { return removeKey(c, string(q.Key)) }))
}

// List gives one page of keys in the order of their bytes.
func (n *Namespace) List(ctx context.Context, q *abi.KVListRequest) (abi.KVListReply, error) {
	var reply abi.KVListReply
	if err := checkList(q); err != nil {
		return reply, err
	}
	limit := abi.KVListLimitMax
	if q.Limit != nil && *q.Limit > 0 {
		limit = int(*q.Limit)
	}
	p := page{from: start(string(q.Prefix), q.Cursor), below: upperBound(string(q.Prefix)), now: n.seconds(), limit: limit + 1}
	err := n.db.Read(ctx, func(c *sqlite.Conn) error {
		return p.each(c, func(key []byte, expiration int64, metadata []byte) {
			k := abi.KVKey{Name: abi.ByteString(key), Metadata: jsonOf(metadata)}
			if expiration != never {
				k.Expiration = &expiration
			}
			reply.Keys = append(reply.Keys, k)
		})
	})
	if err != nil {
		return abi.KVListReply{}, n.db.Public(err)
	}
	reply.ListComplete = len(reply.Keys) <= limit
	if !reply.ListComplete {
		reply.Keys = reply.Keys[:limit]
		reply.Cursor = base64.StdEncoding.EncodeToString([]byte(reply.Keys[limit-1].Name))
	}
	return reply, nil
}

// start is the first key a page may have: the next possible one after the cursor, and none before the prefix.
func start(prefix, cursor string) string {
	if cursor == "" {
		return prefix
	}
	return max(prefix, decodeCursor(cursor)+"\x00")
}

// decodeCursor gives the key a cursor stands for. As on the platform's local service any text is a cursor: what is no base64 is
// passed over.
func decodeCursor(cursor string) string {
	clean := strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '+', c == '/':
			return c
		case c == '-':
			return '+'
		case c == '_':
			return '/'
		}
		return -1
	}, cursor)
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	key, _ := base64.RawStdEncoding.DecodeString(clean)
	return string(key)
}
