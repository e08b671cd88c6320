package kv

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	"pgregory.net/rapid"
)

// modelEntry is an entry of the plain map that a namespace is compared with.
type modelEntry struct {
	value      string
	metadata   string
	expiration int64
}

// model is a namespace and what it should hold.
type model struct {
	*probe
	entries map[string]modelEntry
}

// visible are the model's keys that have not expired, in order.
func (m *model) visible() []string {
	names := []string{}
	for k, e := range m.entries {
		if e.expiration > m.clock.Now().Unix() {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	return names
}

// TestANamespaceBehavesAsAMap does random things to a namespace and to a map and compares them.
func TestANamespaceBehavesAsAMap(t *testing.T) {
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		c := newClock()
		p := openProbe(t, t.TempDir(), c, &Resource{Binding: "NS", ID: fmt.Sprint(round)})
		defer p.live.Close(t.Context())
		m := &model{probe: p, entries: map[string]modelEntry{}}
		key := rapid.StringMatching(`[ab\x00é]{1,3}`)
		rt.Repeat(map[string]func(*rapid.T){
			"put":     func(rt *rapid.T) { m.putRandom(rt, key.Draw(rt, "key")) },
			"delete":  func(rt *rapid.T) { m.deleteKey(rt, key.Draw(rt, "key")) },
			"advance": func(rt *rapid.T) { c.advance(time.Duration(rapid.IntRange(0, 100).Draw(rt, "s")) * time.Second) },
			"sweep": func(rt *rapid.T) {
				if err := p.live.(*live).opened[0].Sweep(t.Context()); err != nil {
					rt.Fatal(err)
				}
			},
			"reopen": func(rt *rapid.T) {
				p.live.Close(t.Context())
				m.probe = openProbe(t, p.dir, c, &Resource{Binding: "NS", ID: fmt.Sprint(round)})
				p = m.probe
			},
			"get":  func(rt *rapid.T) { m.compareKey(rt, key.Draw(rt, "key")) },
			"list": func(rt *rapid.T) { m.comparePages(rt) },
			"":     func(rt *rapid.T) { m.compareAll(rt) },
		})
	})
}

func (m *model) putRandom(rt *rapid.T, key string) {
	e := modelEntry{value: rapid.String().Draw(rt, "value"), expiration: never}
	q := abi.KVPutRequest{Key: abi.ByteString(key), Value: []byte(e.value)}
	if rapid.IntRange(0, 15).Draw(rt, "large if 0") == 0 {
		q.Value = pattern(largeBytes + rapid.IntRange(-1, 1).Draw(rt, "size"))
		e.value = string(q.Value)
	}
	if rapid.Bool().Draw(rt, "metadata?") {
		e.metadata = fmt.Sprint(rapid.Int().Draw(rt, "metadata"))
		q.Metadata = document(e.metadata)
	}
	if rapid.Bool().Draw(rt, "expires?") {
		ttl := rapid.Int64Range(60, 200).Draw(rt, "ttl")
		e.expiration = m.clock.Now().Unix() + ttl
		if rapid.Bool().Draw(rt, "by ttl") {
			q.ExpirationTTLS = &ttl
		} else {
			q.Expiration = &e.expiration
		}
	}
	if err := m.put(&q); err != nil {
		rt.Fatal(err)
	}
	m.entries[key] = e
}

func (m *model) deleteKey(rt *rapid.T, key string) {
	if err := m.delete(key); err != nil {
		rt.Fatal(err)
	}
	delete(m.entries, key)
}

// compareKey compares one key.
func (m *model) compareKey(rt *rapid.T, key string) {
	r, err := m.get(&abi.KVGetRequest{Key: abi.ByteString(key), WithMetadata: true})
	if err != nil {
		rt.Fatal(err)
	}
	e, want := m.entries[key]
	want = want && e.expiration > m.clock.Now().Unix()
	if r.Found != want {
		rt.Fatalf("key %q: found is %v", key, r.Found)
	}
	if !want {
		return
	}
	metadata := ""
	if r.Metadata != nil {
		metadata = string(*r.Metadata)
	}
	if string(r.Value) != e.value || metadata != e.metadata {
		rt.Fatalf("key %q: %d bytes with metadata %q, want %d with %q", key, len(r.Value), metadata, len(e.value), e.metadata)
	}
}

// compareAll compares the keys.
func (m *model) compareAll(rt *rapid.T) {
	if got, want := m.names(""), m.visible(); !slices.Equal(got, want) {
		rt.Fatalf("keys are %q, want %q", got, want)
	}
}

// comparePages compares the keys with a prefix, page by page.
func (m *model) comparePages(rt *rapid.T) {
	prefix := rapid.SampledFrom([]string{"", "a", "b", "é", "a\x00"}).Draw(rt, "prefix")
	limit := rapid.Int64Range(1, 4).Draw(rt, "limit")
	want := slices.DeleteFunc(m.visible(), func(k string) bool { return len(k) < len(prefix) || k[:len(prefix)] != prefix })
	got := []string{}
	q := abi.KVListRequest{Prefix: abi.ByteString(prefix), Limit: &limit}
	for complete := false; !complete; {
		r, err := m.list(&q)
		if err != nil {
			rt.Fatal(err)
		}
		got = append(got, keyNames(r.Keys)...)
		q.Cursor, complete = r.Cursor, r.ListComplete
	}
	if !slices.Equal(got, want) {
		rt.Fatalf("prefix %q, limit %d: keys are %q, want %q", prefix, limit, got, want)
	}
}
