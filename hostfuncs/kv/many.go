package kv

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

// Bounds of one transaction of [Namespace.PutMany] and [Namespace.DeleteMany].
const (
	manyEntriesMax = 500
	manyBytesMax   = 4 << 20
)

// PutMany writes many keys in as few transactions as is sensible and calls progress with how many are durable. All requests are
// checked first: when one is refused, the error names its index and nothing is stored.
func (n *Namespace) PutMany(ctx context.Context, puts []*abi.KVPutRequest, progress func(done int)) error {
	now := n.seconds()
	var problems []error
	for i, q := range puts {
		if err := errors.Join(checkPut(q, now), checkValueLength(len(q.Value))); err != nil {
			problems = append(problems, fmt.Errorf("item %d: %w", i, err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	size := func(i int) int { return len(puts[i].Value) }
	return n.inBatches(ctx, len(puts), size, progress, func(c *sqlite.Conn, i int) error {
		return newEntry(puts[i], now).store(c)
	})
}

// DeleteMany removes many keys, as [Namespace.PutMany] writes them.
func (n *Namespace) DeleteMany(ctx context.Context, keys []abi.ByteString, progress func(done int)) error {
	var problems []error
	for i, key := range keys {
		if err := checkKey(methodDelete, string(key)); err != nil {
			problems = append(problems, fmt.Errorf("item %d: %w", i, err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	size := func(int) int { return 0 }
	return n.inBatches(ctx, len(keys), size, progress, func(c *sqlite.Conn, i int) error {
		return removeKey(c, string(keys[i]))
	})
}

// inBatches runs one for every index below count, in transactions of bounded size.
func (n *Namespace) inBatches(ctx context.Context, count int, size func(int) int, progress func(int), one func(*sqlite.Conn, int) error) error {
	for from := 0; from < count; {
		to, bytes := from, 0
		for to < count && to-from < manyEntriesMax && bytes < manyBytesMax {
			bytes += size(to)
			to++
		}
		err := n.db.Write(ctx, bytes, func(c *sqlite.Conn) error {
			for i := from; i < to; i++ {
				if err := one(c, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return n.db.Public(err)
		}
		from = to
		progress(from)
	}
	return nil
}

// EachKey calls fn for every key with the prefix, page by page, until there are no more or fn fails.
func (n *Namespace) EachKey(ctx context.Context, prefix string, fn func(*abi.KVKey) error) error {
	q := abi.KVListRequest{Prefix: abi.ByteString(prefix)}
	for {
		page, err := n.List(ctx, &q)
		if err != nil {
			return err
		}
		for i := range page.Keys {
			if err := fn(&page.Keys[i]); err != nil {
				return err
			}
		}
		if page.ListComplete {
			return nil
		}
		q.Cursor = page.Cursor
	}
}

// EachEntry calls fn for every distinct key, in the order of first mention, found or not. There is no
// limit on how many there are or how large all values are together.
func (n *Namespace) EachEntry(ctx context.Context, keys []abi.ByteString, fn func(*abi.KVEntry) error) error {
	for _, key := range distinct(keys) {
		reply, err := n.Get(ctx, &abi.KVGetRequest{Key: key, WithMetadata: true})
		if err != nil {
			return fmt.Errorf("key %q: %w", key, err)
		}
		if err := fn(&abi.KVEntry{Key: key, Found: reply.Found, Value: reply.Value, Metadata: reply.Metadata}); err != nil {
			return err
		}
	}
	return nil
}

// validText says whether a value can be shown as text.
func validText(value []byte) bool { return utf8.Valid(value) }
