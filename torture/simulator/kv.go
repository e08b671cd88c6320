package simulator

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
)

// entry is what a key may hold; nil for nothing.
type entry struct {
	value      string
	metadata   string
	expiration int64 // in seconds; 0 for never
}

// namespace is a plain map, with all that each key may hold: more than one thing after a call that was cancelled.
type namespace struct {
	keys map[string][]*entry
	// busy are keys of which a cancelled call may still be at work.
	busy map[string]bool
}

func newNamespace() *namespace {
	return &namespace{keys: map[string][]*entry{}, busy: map[string]bool{}}
}

// settled notes that nothing is at work any more.
func (n *namespace) settled() { clear(n.busy) }

// possible gives all that a key may show at a time.
func (n *namespace) possible(key string, now int64) []*entry {
	list := n.keys[key]
	if list == nil {
		return []*entry{nil}
	}
	shown := make([]*entry, 0, len(list))
	for _, e := range list {
		if e != nil && e.expiration != 0 && e.expiration <= now {
			e = nil
		}
		shown = append(shown, e)
	}
	return shown
}

// saw notes that a key shows this, and gives an error when it cannot.
func (n *namespace) saw(key string, now int64, found bool, value string, metadata *abi.JSON) error {
	var left []*entry
	for i, e := range n.possible(key, now) {
		same := e == nil && !found || e != nil && found && e.value == value && (metadata == nil && e.metadata == "" || metadata != nil && string(*metadata) == e.metadata)
		if same {
			if l := n.keys[key]; l != nil {
				left = append(left, l[i])
			} else {
				left = append(left, nil)
			}
		}
	}
	if left == nil {
		return fmt.Errorf("key %q shows found=%v %.40q, possible is %v", key, found, value, describe(n.possible(key, now)))
	}
	n.keys[key] = left
	return nil
}

func describe(list []*entry) (texts []string) {
	for _, e := range list {
		if e == nil {
			texts = append(texts, "nothing")
		} else {
			texts = append(texts, fmt.Sprintf("%.40q (metadata %s, until %d)", e.value, e.metadata, e.expiration))
		}
	}
	return texts
}

// set notes a write, or that it may have been.
func (n *namespace) set(key string, e *entry, surely bool) {
	if surely {
		n.keys[key] = []*entry{e}
		return
	}
	if n.keys[key] == nil {
		n.keys[key] = []*entry{nil}
	}
	n.keys[key] = append(n.keys[key], e)
	n.busy[key] = true
}

// keyNames are few, so that calls meet the same ones.
var keyNames = []string{"a", "b", "ab", "abc", "é", "e\u0301", "\x00", "a\x00b", "/", "a/../b", "%41", strings.Repeat("k", 512), "z"}

// free picks a key that nothing else is at work on.
func free(r *rand.Rand, names []string, taken ...map[string]bool) (string, bool) {
	for range 4 {
		name := names[r.IntN(len(names))]
		if !slices.ContainsFunc(taken, func(m map[string]bool) bool { return m[name] }) {
			return name, true
		}
	}
	return "", false
}

// kvAction draws something to do with a namespace; nil when it may not be done beside the others.
func (w *world) kvAction(others map[string]bool) *action {
	if len(others) == 0 && w.random.IntN(6) == 0 {
		if w.random.IntN(2) == 0 {
			return w.kvList()
		}
		return w.kvBulk()
	}
	key, ok := free(w.random, keyNames, others, w.kv.busy)
	if !ok {
		return nil
	}
	others[key] = true
	switch w.random.IntN(5) {
	case 0, 1:
		return w.kvPut(key)
	case 2:
		return &action{
			what: fmt.Sprintf("kv.delete %q", key), target: "KV", op: abi.OpKVDelete, message: (&abi.KVDeleteRequest{Key: abi.ByteString(key)}).AppendCBOR(nil),
			done: func(reply []byte) error {
				w.kv.set(key, nil, true)
				return abi.DecodeReply(reply, &abi.KVDeleteReply{})
			}, perhaps: func() { w.kv.set(key, nil, false) },
		}
	}
	return &action{
		what: fmt.Sprintf("kv.get %q", key), target: "KV", op: abi.OpKVGet, message: (&abi.KVGetRequest{Key: abi.ByteString(key), WithMetadata: true}).AppendCBOR(nil),
		done: func(reply []byte) error {
			var r abi.KVGetReply
			if err := abi.DecodeReply(reply, &r); err != nil {
				return err
			}
			return w.kv.saw(key, w.seconds(), r.Found, string(r.Value), r.Metadata)
		},
	}
}

func (w *world) kvPut(key string) *action {
	e := &entry{value: strings.Repeat(string(rune('a'+w.random.IntN(26))), w.random.IntN(1+w.random.IntN(20000)))}
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
	return &action{
		what: fmt.Sprintf("kv.put %q %d bytes until %d", key, len(e.value), e.expiration), target: "KV", op: abi.OpKVPut, message: q.AppendCBOR(nil),
		done: func(reply []byte) error { w.kv.set(key, e, true); return abi.DecodeReply(reply, &abi.KVPutReply{}) }, perhaps: func() { w.kv.set(key, e, false) },
	}
}

func (w *world) kvBulk() *action {
	var q abi.KVGetBulkRequest
	for range 1 + w.random.IntN(5) {
		q.Keys = append(q.Keys, abi.ByteString(keyNames[w.random.IntN(len(keyNames))]))
	}
	q.WithMetadata = true
	return &action{
		what: fmt.Sprintf("kv.get_bulk %q", q.Keys), target: "KV", op: abi.OpKVGetBulk, message: q.AppendCBOR(nil),
		done: func(reply []byte) error {
			var r abi.KVGetBulkReply
			if err := abi.DecodeReply(reply, &r); err != nil {
				return err
			}
			for _, e := range r.Entries {
				if err := w.kvShows(string(e.Key), e.Found, string(e.Value), e.Metadata); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// kvShows is saw for a key that may be busy, of which nothing can be learnt.
func (w *world) kvShows(key string, found bool, value string, metadata *abi.JSON) error {
	before := slices.Clone(w.kv.keys[key])
	err := w.kv.saw(key, w.seconds(), found, value, metadata)
	if w.kv.busy[key] {
		w.kv.keys[key] = before
	}
	return err
}

// kvList reads all pages and compares names and expirations.
func (w *world) kvList() *action {
	prefix := []string{"", "a", "ab", "e", "none"}[w.random.IntN(5)]
	limit := int64(1 + w.random.IntN(8))
	seen := map[string]bool{}
	a := &action{target: "KV", op: abi.OpKVList, what: fmt.Sprintf("kv.list %q by %d", prefix, limit)}
	ask := func(cursor string) {
		a.message = (&abi.KVListRequest{Prefix: abi.ByteString(prefix), Limit: &limit, Cursor: cursor}).AppendCBOR(nil)
	}
	ask("")
	a.done = func(reply []byte) error {
		var r abi.KVListReply
		if err := abi.DecodeReply(reply, &r); err != nil {
			return err
		}
		for _, k := range r.Keys {
			if seen[string(k.Name)] {
				return fmt.Errorf("key %q is listed twice", k.Name)
			}
			seen[string(k.Name)] = true
		}
		if !r.ListComplete {
			ask(r.Cursor)
			return errAgain
		}
		return w.kvListed(prefix, seen)
	}
	return a
}

func (w *world) kvListed(prefix string, seen map[string]bool) error {
	for _, key := range slices.Sorted(maps.Keys(w.kv.keys)) {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		possible := w.kv.possible(key, w.seconds())
		if !slices.ContainsFunc(possible, func(e *entry) bool { return (e != nil) == seen[key] }) {
			return fmt.Errorf("key %q is listed: %v, possible is %v", key, seen[key], describe(possible))
		}
		delete(seen, key)
	}
	if len(seen) > 0 {
		return fmt.Errorf("keys are listed that nobody wrote: %v", slices.Sorted(maps.Keys(seen)))
	}
	return nil
}
