package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pagesrun/pagesrun/guest-sdk/go/kv"
	"github.com/pagesrun/pagesrun/guest-sdk/go/kv/kvjson"
)

const (
	store  = kv.Namespace("TODO_LIST")
	prefix = "todo:"

	// textRunesMax keeps a whole todo, at up to four bytes a rune and six for an escaped one, within the metadata's 1024 bytes in all but
	// exotic cases; the store refuses those.
	textRunesMax = 200
)

// todo is one entry of the list. It is stored as the metadata of its key, so that one list operation brings the whole list.
type todo struct {
	ID      string    `json:"id"`
	Text    string    `json:"text"`
	Done    bool      `json:"done"`
	Created time.Time `json:"created"`
}

// newTodo makes an entry whose id sorts by time.
func newTodo() todo {
	now := time.Now().UTC()
	return todo{ID: fmt.Sprintf("%013x%08x", now.UnixMicro(), rand.Uint32()), Created: now.Truncate(time.Millisecond)}
}

// save stores the entry; when it returns nil the entry is durable.
func (t todo) save() error {
	meta, err := kvjson.Metadata(t)
	if err != nil {
		return err
	}
	return store.Put(prefix+t.ID, nil, meta)
}

// load finds an entry.
func load(id string) (t todo, ok bool, err error) {
	e, err := store.GetWithMetadata(prefix + id)
	if err != nil || !e.Found {
		return t, false, err
	}
	return kvjson.ListMetadata[todo](kv.Key{Metadata: e.Metadata})
}

// remove deletes an entry.
func remove(id string) error { return store.Delete(prefix + id) }

// all lists the entries, oldest first.
func all() ([]todo, error) {
	todos := []todo{}
	for key, err := range store.All(prefix) {
		if err != nil {
			return nil, err
		}
		t, ok, err := kvjson.ListMetadata[todo](key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key.Name, err)
		}
		if ok {
			todos = append(todos, t)
		}
	}
	return todos, nil
}
