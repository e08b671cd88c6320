package fakehost

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/abi"
)

// kvValue is a stored value.
type kvValue struct {
	value      []byte
	metadata   *abi.JSON
	expiration *int64
}

// operateKV runs one KV operation.
func (h *Host) operateKV(c *call, target, op string, msg []byte) {
	ns, ok := h.kv[target]
	if !ok {
		h.reply(c, nil, notConfigured(target))
		return
	}
	for key, v := range ns {
		if v.expiration != nil && *v.expiration <= time.Now().Unix() {
			delete(ns, key)
		}
	}
	switch op {
	case abi.OpKVGet:
		serve(h, c, msg, func(q *abi.KVGetRequest) (abi.KVGetReply, *abi.Error) { return h.kvGet(ns, q) })
	case abi.OpKVGetBulk:
		serve(h, c, msg, func(q *abi.KVGetBulkRequest) (abi.KVGetBulkReply, *abi.Error) { return kvGetBulk(ns, q) })
	case abi.OpKVPut:
		h.kvPut(c, ns, msg)
	case abi.OpKVDelete:
		serve(h, c, msg, func(q *abi.KVDeleteRequest) (abi.KVDeleteReply, *abi.Error) {
			delete(ns, string(q.Key))
			return abi.KVDeleteReply{}, checkKey("DELETE", string(q.Key))
		})
	case abi.OpKVList:
		serve(h, c, msg, func(q *abi.KVListRequest) (abi.KVListReply, *abi.Error) { return kvList(ns, q) })
	default:
		h.reply(c, nil, &abi.Error{Code: abi.CodeUnknownOperation, Message: op})
	}
}

func invalid(status uint32, format string, args ...any) *abi.Error {
	code := abi.CodeInvalidArgument
	if status == 413 {
		code = abi.CodeTooLarge
	}
	return &abi.Error{Code: code, Message: fmt.Sprintf(format, args...), Status: status}
}

func checkKey(method, key string) *abi.Error {
	switch {
	case key == "":
		return invalid(0, "Key name cannot be empty.")
	case key == "." || key == "..":
		return invalid(0, "%q is not allowed as a key name.", key)
	case len(key) > abi.KVKeyBytesMax:
		return invalid(414, "KV %s failed: 414 UTF-8 encoded length of %d exceeds key length limit of %d.", method, len(key), abi.KVKeyBytesMax)
	}
	return nil
}

func (h *Host) kvGet(ns map[string]kvValue, q *abi.KVGetRequest) (abi.KVGetReply, *abi.Error) {
	v, ok := ns[string(q.Key)]
	if err := checkKey("GET", string(q.Key)); err != nil || !ok {
		return abi.KVGetReply{}, err
	}
	r := abi.KVGetReply{Found: true}
	if q.WithMetadata {
		r.Metadata = v.metadata
	}
	if q.Type == abi.KVStream {
		r.Stream = h.readerOf(v.value)
	} else {
		r.Value = v.value
	}
	return r, nil
}

func kvGetBulk(ns map[string]kvValue, q *abi.KVGetBulkRequest) (abi.KVGetBulkReply, *abi.Error) {
	var r abi.KVGetBulkReply
	if len(q.Keys) > abi.KVBulkKeysMax {
		return r, invalid(400, "KV GET_BULK failed: 400 You can request a maximum of %d keys", abi.KVBulkKeysMax)
	}
	seen := map[abi.ByteString]bool{}
	for _, key := range q.Keys {
		if seen[key] {
			continue
		}
		seen[key] = true
		v, ok := ns[string(key)]
		e := abi.KVEntry{Key: key, Found: ok, Value: v.value}
		if q.WithMetadata {
			e.Metadata = v.metadata
		}
		r.Entries = append(r.Entries, e)
	}
	return r, nil
}

// kvPut stores a value; one that comes as a stream is stored when the stream has ended.
func (h *Host) kvPut(c *call, ns map[string]kvValue, msg []byte) {
	var q abi.KVPutRequest
	if err := q.DecodeCBOR(msg); err != nil {
		h.reply(c, nil, &abi.Error{Code: abi.CodeBadMessage, Message: err.Error()})
		return
	}
	body, ok := h.take(q.Stream)
	if !ok {
		h.reply(c, &abi.KVPutReply{}, store(ns, &q))
		return
	}
	go func() {
		b, err := io.ReadAll(body)
		h.mu.Lock()
		defer h.mu.Unlock()
		if err != nil {
			h.reply(c, nil, &abi.Error{Code: abi.CodeStreamClosed, Message: "the value's stream was aborted"})
			return
		}
		q.Value = b
		h.reply(c, &abi.KVPutReply{}, store(ns, &q))
	}()
}

func store(ns map[string]kvValue, q *abi.KVPutRequest) *abi.Error {
	if err := checkKey("PUT", string(q.Key)); err != nil {
		return err
	}
	if len(q.Value) > abi.KVValueBytesMax {
		return invalid(413, "KV PUT failed: 413 Value length of %d exceeds limit of %d.", len(q.Value), abi.KVValueBytesMax)
	}
	if q.Metadata != nil && len(*q.Metadata) > abi.KVMetadataBytesMax {
		return invalid(413, "KV PUT failed: 413 Metadata length of %d exceeds limit of %d.", len(*q.Metadata), abi.KVMetadataBytesMax)
	}
	v := kvValue{value: slices.Clone(q.Value), metadata: q.Metadata, expiration: q.Expiration}
	if ttl := q.ExpirationTTLS; ttl != nil {
		if *ttl < abi.KVExpirationTTLMinS {
			return invalid(400, "KV PUT failed: 400 Invalid expiration_ttl of %d. Expiration TTL must be at least %d.", *ttl, abi.KVExpirationTTLMinS)
		}
		at := time.Now().Unix() + *ttl
		v.expiration = &at
	}
	ns[string(q.Key)] = v
	return nil
}

func kvList(ns map[string]kvValue, q *abi.KVListRequest) (abi.KVListReply, *abi.Error) {
	limit := int64(abi.KVListLimitMax)
	if q.Limit != nil && *q.Limit > 0 {
		limit = *q.Limit
	}
	var names []string
	for name := range ns {
		if strings.HasPrefix(name, string(q.Prefix)) && name > q.Cursor {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	r := abi.KVListReply{ListComplete: int64(len(names)) <= limit}
	if !r.ListComplete {
		names = names[:limit]
		r.Cursor = names[limit-1]
	}
	for _, name := range names {
		v := ns[name]
		r.Keys = append(r.Keys, abi.KVKey{Name: abi.ByteString(name), Expiration: v.expiration, Metadata: v.metadata})
	}
	return r, nil
}
