package kv

import (
	"iter"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
)

// ListOptions select what a list returns.
type ListOptions struct {
	// Prefix limits the list to keys that begin with it. It must be repeated on every page.
	Prefix string
	// Limit is the most keys on one page: at most 1000; 0 means 1000.
	Limit int
	// Cursor is the cursor of the page before, empty for the first.
	Cursor string
}

// Key is one key of a list.
type Key struct {
	// Name is the key's name.
	Name string
	// Expiration is when the key goes; zero when it stays.
	Expiration time.Time
	// Metadata is the metadata's JSON, empty when there is none.
	Metadata string
}

// Page is one page of a list, in the order of the keys' bytes.
type Page struct {
	// Keys are the keys of the page.
	Keys []Key
	// Complete says that nothing follows. A page can be short, even empty, without being the last.
	Complete bool
	// Cursor asks for the next page when Complete is false.
	Cursor string
}

// List returns one page of keys.
func (ns Namespace) List(options ListOptions) (Page, error) {
	q := abi.KVListRequest{Prefix: abi.ByteString(options.Prefix), Cursor: options.Cursor}
	if options.Limit != 0 {
		limit := int64(options.Limit)
		q.Limit = &limit
	}
	r, err := pagesrun.Invoke[abi.KVListReply](string(ns), abi.OpKVList, &q)
	if err != nil {
		return Page{}, err
	}
	page := Page{Keys: make([]Key, len(r.Keys)), Complete: r.ListComplete, Cursor: r.Cursor}
	for i, k := range r.Keys {
		page.Keys[i] = Key{Name: string(k.Name), Metadata: text(k.Metadata)}
		if k.Expiration != nil {
			page.Keys[i].Expiration = time.Unix(*k.Expiration, 0)
		}
	}
	return page, nil
}

// All goes through all keys that begin with prefix, page after page. After an error, which comes with an empty key, it ends.
//
//	for key, err := range todos.All("user:") { ... }
func (ns Namespace) All(prefix string) iter.Seq2[Key, error] {
	return func(yield func(Key, error) bool) {
		options := ListOptions{Prefix: prefix}
		for {
			page, err := ns.List(options)
			if err != nil {
				yield(Key{}, err)
				return
			}
			for _, key := range page.Keys {
				if !yield(key, nil) {
					return
				}
			}
			if page.Complete {
				return
			}
			options.Cursor = page.Cursor
		}
	}
}
