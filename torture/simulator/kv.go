package simulator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
)

// entry is what a key may hold.
type entry struct {
	value      string
	metadata   string
	expiration int64 // in seconds; 0 for never
}

// String describes an entry.
func (e *entry) String() string {
	if e == nil {
		return "nothing"
	}
	return fmt.Sprintf("%d bytes of %.20q (metadata %s, until %d)", len(e.value), e.value, e.metadata, e.expiration)
}

// at is the entry as it shows at a time.
func (e *entry) at(now int64) *entry {
	if e != nil && e.expiration != 0 && e.expiration <= now {
		return nil
	}
	return e
}

// namespace is a plain map: of each key, what it may hold; nil for nothing. Every put has an entry of its own.
type namespace map[string]*object[*entry]

// keyNames are few, so that calls meet the same ones. A world uses some of them.
var keyNames = []string{"a", "b", "ab", "abc", "é", "e\u0301", "\x00", "a\x00b", "/", "a/../b", "%41", strings.Repeat("k", 512), "z"}

func newNamespace(keys []string) namespace {
	n := namespace{}
	for _, key := range keys {
		n[key] = newObject[*entry](nil)
	}
	return n
}

func (n namespace) settle() {
	for _, o := range n {
		o.settle()
	}
}

func (n namespace) haunt() {
	for _, o := range n {
		o.haunt()
	}
}

func (n namespace) setStrict(strict bool) {
	for _, o := range n {
		o.strict = strict
	}
}

// on is an action on some keys.
func (n namespace) on(a *action, op operation[*entry], keys ...string) (slots map[string]int) {
	slots = map[string]int{}
	a.begin = func() {
		for _, key := range keys {
			slots[key] = n[key].begin(op)
		}
	}
	a.failed = func() {
		for key, slot := range slots {
			n[key].fail(slot)
		}
		clear(slots)
	}
	return slots
}

// saw notes that an operation has found something of a key that shows accepts.
func (n namespace) saw(slots map[string]int, key, found string, shows func(*entry) bool) error {
	if slot, ok := slots[key]; !ok || !n[key].end(slot, shows) {
		return fmt.Errorf("key %.20q shows %s, possible is %v", key, found, n[key].states())
	}
	delete(slots, key)
	return nil
}

// anything accepts all.
func anything(*entry) bool { return true }

// kvAction draws something to do with a namespace.
func (w *world) kvAction() *action {
	key := w.keys[w.random.IntN(len(w.keys))]
	switch w.random.IntN(8) {
	case 0:
		return w.kvList()
	case 1:
		return w.kvBulk()
	case 2, 3:
		return w.kvPut(key)
	case 4:
		return w.kvChange(&action{what: fmt.Sprintf("kv.delete %.20q", key), op: abi.OpKVDelete, message: (&abi.KVDeleteRequest{Key: abi.ByteString(key)}).AppendCBOR(nil)}, key, nil, &abi.KVDeleteReply{})
	}
	return w.kvGet(key)
}

// kvChange is an action after which a key has an entry.
func (w *world) kvChange(a *action, key string, e *entry, into message) *action {
	a.target = "KV"
	slots := w.kv.on(a, operation[*entry]{change: func(*entry) *entry { return e }, stores: e != nil}, key)
	a.done = func(reply []byte, refused *abi.Error) error {
		if err := taken(reply, refused, into); err != nil {
			return err
		}
		return w.kv.saw(slots, key, "that it was changed", anything)
	}
	return a
}

func (w *world) kvGet(key string) *action {
	a := &action{what: fmt.Sprintf("kv.get %.20q", key), target: "KV", op: abi.OpKVGet, message: (&abi.KVGetRequest{Key: abi.ByteString(key), WithMetadata: true}).AppendCBOR(nil)}
	slots := w.kv.on(a, operation[*entry]{tells: true}, key)
	a.done = func(reply []byte, refused *abi.Error) error {
		var r abi.KVGetReply
		if err := taken(reply, refused, &r); err != nil {
			return err
		}
		return w.kvShows(slots, key, r.Found, r.Value, r.Metadata)
	}
	return a
}

// kvShows notes what a read has found.
func (w *world) kvShows(slots map[string]int, key string, found bool, value []byte, metadata *abi.JSON) error {
	var e *entry
	if found {
		e = &entry{value: string(value)}
		if metadata != nil {
			e.metadata = string(*metadata)
		}
	}
	return w.kv.saw(slots, key, e.String(), func(before *entry) bool {
		b := before.at(w.seconds())
		return b == nil && e == nil || b != nil && e != nil && b.value == e.value && b.metadata == e.metadata
	})
}

// kvPut stores a value that is like no other.
func (w *world) kvPut(key string) *action {
	w.puts++
	e := &entry{value: fmt.Sprint(w.puts, strings.Repeat(string(rune('a'+w.random.IntN(26))), w.random.IntN(1+w.random.IntN(20000))))}
	q := abi.KVPutRequest{Key: abi.ByteString(key), Value: []byte(e.value)}
	if w.random.IntN(3) == 0 {
		e.metadata = fmt.Sprintf(`{"n":%d}`, w.random.IntN(100))
		document := abi.JSON(e.metadata)
		q.Metadata = &document
	}
	if w.random.IntN(3) == 0 {
		ttl := int64(60 + w.random.IntN(100))
		e.expiration, q.ExpirationTTLS = w.seconds()+ttl, &ttl
	}
	return w.kvChange(&action{what: fmt.Sprintf("kv.put %.20q: %s", key, e), op: abi.OpKVPut, message: q.AppendCBOR(nil)}, key, e, &abi.KVPutReply{})
}

func (w *world) kvBulk() *action {
	asked := map[string]bool{}
	q := abi.KVGetBulkRequest{WithMetadata: true}
	for range 1 + w.random.IntN(5) {
		key := w.keys[w.random.IntN(len(w.keys))]
		asked[key] = true
		q.Keys = append(q.Keys, abi.ByteString(key))
	}
	a := &action{what: fmt.Sprintf("kv.get_bulk %.20q", q.Keys), target: "KV", op: abi.OpKVGetBulk, message: q.AppendCBOR(nil)}
	slots := w.kv.on(a, operation[*entry]{tells: true}, slices.Sorted(maps.Keys(asked))...)
	a.done = func(reply []byte, refused *abi.Error) error {
		var r abi.KVGetBulkReply
		if err := taken(reply, refused, &r); err != nil {
			return err
		}
		for _, e := range r.Entries {
			if !asked[string(e.Key)] {
				continue // twice
			}
			delete(asked, string(e.Key))
			if err := w.kvShows(slots, string(e.Key), e.Found, e.Value, e.Metadata); err != nil {
				return err
			}
		}
		if len(asked) > 0 {
			return fmt.Errorf("keys are missing: %.20q", slices.Sorted(maps.Keys(asked)))
		}
		return nil
	}
	return a
}

// kvList reads all pages and compares names: each key was there, or was not, at a moment between the first page and the last.
func (w *world) kvList() *action {
	prefix := []string{"", "a", "ab", "e", "none"}[w.random.IntN(5)]
	limit := int64(1 + w.random.IntN(8))
	var below []string
	for _, key := range w.keys {
		if strings.HasPrefix(key, prefix) {
			below = append(below, key)
		}
	}
	seen := map[string]bool{}
	a := &action{target: "KV", op: abi.OpKVList, what: fmt.Sprintf("kv.list %q by %d", prefix, limit)}
	ask := func(cursor string) {
		a.message = (&abi.KVListRequest{Prefix: abi.ByteString(prefix), Limit: &limit, Cursor: cursor}).AppendCBOR(nil)
	}
	ask("")
	slots := w.kv.on(a, operation[*entry]{tells: true}, below...)
	a.done = func(reply []byte, refused *abi.Error) error {
		var r abi.KVListReply
		if err := taken(reply, refused, &r); err != nil {
			return err
		}
		if err := note(seen, r.Keys); err != nil {
			return err
		}
		if !r.ListComplete {
			ask(r.Cursor)
			return errAgain
		}
		return w.kvListed(below, seen, slots)
	}
	return a
}

// note notes the keys of a page.
func note(seen map[string]bool, page []abi.KVKey) error {
	for _, k := range page {
		if seen[string(k.Name)] {
			return fmt.Errorf("key %q is listed twice", k.Name)
		}
		seen[string(k.Name)] = true
	}
	return nil
}

// kvListed compares what was listed.
func (w *world) kvListed(below []string, seen map[string]bool, slots map[string]int) (err error) {
	for _, key := range below {
		err = errors.Join(err, w.kv.saw(slots, key, fmt.Sprintf("in a list: %v", seen[key]), func(before *entry) bool { return (before.at(w.seconds()) != nil) == seen[key] }))
		delete(seen, key)
	}
	if len(seen) > 0 {
		err = errors.Join(err, fmt.Errorf("keys are listed that nobody wrote: %.20q", slices.Sorted(maps.Keys(seen))))
	}
	return err
}
