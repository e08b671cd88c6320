package kv_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/kv"
	"github.com/pagesrun/pagesrun/guest-sdk/go/kv/kvjson"
	"github.com/pagesrun/pagesrun/guest-sdk/go/pagesruntest"
)

const store = kv.Namespace("STORE")

// inside runs f inside an event.
func inside(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	function := pagesruntest.Start(t, pagesruntest.Config{KV: []string{"STORE"}}, func() {
		pagesrun.HandleFetch(func(*pagesrun.Context, *pagesrun.Request) (*pagesrun.Response, error) {
			f(t)
			return pagesrun.Text(200, ""), nil
		})
	})
	if r := function.Fetch("GET", "/", ""); r.Status != 200 {
		t.Errorf("%+v", r)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func TestValuesAreReadAsTheyWereWritten(t *testing.T) {
	inside(t, func(t *testing.T) {
		ok(t, store.Put("bytes", []byte{0, 0xff}))
		ok(t, store.PutText("text", "ä"))
		ok(t, store.PutAsync("async", []byte("a")).Await())
		ok(t, store.PutStream("stream", strings.NewReader("s")))
		for key, want := range map[string]string{"bytes": "\x00\xff", "text": "ä", "async": "a", "stream": "s"} {
			if v, found, err := store.Get(key); string(v) != want || !found || err != nil {
				t.Errorf("Get %s: %q %v %v", key, v, found, err)
			}
			if v, found, err := store.GetText(key); v != want || !found || err != nil {
				t.Errorf("GetText %s: %q %v %v", key, v, found, err)
			}
			if v, found, err := store.GetAsync(key).Await(); string(v) != want || !found || err != nil {
				t.Errorf("GetAsync %s: %q %v %v", key, v, found, err)
			}
			s, found, err := store.GetStream(key)
			if !found || err != nil {
				t.Fatal(found, err)
			}
			if v, err := io.ReadAll(s); string(v) != want || err != nil {
				t.Errorf("GetStream %s: %q %v", key, v, err)
			}
		}
	})
}

func TestAMissingKeyIsAnAnswer(t *testing.T) {
	inside(t, func(t *testing.T) {
		ok(t, store.PutText("gone", "x"))
		ok(t, store.Delete("gone"))
		ok(t, store.Delete("gone"))
		ok(t, store.DeleteAsync("gone").Await())
		if v, found, err := store.Get("gone"); v != nil || found || err != nil {
			t.Error(v, found, err)
		}
		if s, found, err := store.GetStream("gone"); s != nil || found || err != nil {
			t.Error(s, found, err)
		}
		if e, err := store.GetWithMetadata("gone"); e.Found || err != nil {
			t.Error(e, err)
		}
		if _, found, err := kvjson.Get[int](store, "gone"); found || err != nil {
			t.Error(found, err)
		}
	})
}

func TestWritesReplaceEverything(t *testing.T) {
	inside(t, func(t *testing.T) {
		ok(t, store.PutText("k", "1", kv.Metadata(`{"a":1}`), kv.TTL(90*time.Minute+500*time.Millisecond)))
		page, err := store.List(kv.ListOptions{})
		ok(t, err)
		left := time.Until(page.Keys[0].Expiration)
		if page.Keys[0].Metadata != `{"a":1}` || left < 89*time.Minute || left > 90*time.Minute {
			t.Errorf("%+v", page)
		}
		at := time.Now().Add(time.Hour).Truncate(time.Second)
		ok(t, store.PutText("k", "2", kv.Expiration(at)))
		page, err = store.List(kv.ListOptions{})
		ok(t, err)
		if page.Keys[0].Metadata != "" || !page.Keys[0].Expiration.Equal(at) {
			t.Errorf("%+v", page)
		}
	})
}

func TestListsGoThroughAllPages(t *testing.T) {
	inside(t, func(t *testing.T) {
		for _, key := range []string{"a1", "b1", "b3", "b2", "c"} {
			ok(t, store.PutText(key, ""))
		}
		var names string
		for key, err := range store.All("b") {
			ok(t, err)
			names += key.Name
		}
		if names != "b1b2b3" {
			t.Error(names)
		}
		var pages int
		for o := (kv.ListOptions{Limit: 2}); ; pages++ {
			page, err := store.List(o)
			ok(t, err)
			if page.Complete {
				break
			}
			o.Cursor = page.Cursor
		}
		if pages != 2 {
			t.Error(pages)
		}
		for range store.All("") {
			break
		}
		for _, err := range kv.Namespace("OTHER").All("") {
			if !errors.Is(err, abi.CodeNotConfigured) {
				t.Error(err)
			}
		}
	})
}

func TestBulkReadsKeepOrderAndGaps(t *testing.T) {
	inside(t, func(t *testing.T) {
		ok(t, store.PutText("a", "1", kv.Metadata("7")))
		entries, err := store.GetBulk("x", "a", "x")
		ok(t, err)
		if len(entries) != 2 || entries[0].Found || entries[0].Key != "x" || string(entries[1].Value) != "1" || entries[1].Metadata != "7" {
			t.Errorf("%+v", entries)
		}
		if _, err := store.GetBulk(make([]string, 101)...); !errors.Is(err, abi.CodeInvalidArgument) {
			t.Error(err)
		}
	})
}

func TestErrorsCarryThePlatformsText(t *testing.T) {
	inside(t, func(t *testing.T) {
		var e *abi.Error
		err := store.PutText("k", "v", kv.TTL(59*time.Second))
		if !errors.As(err, &e) || e.Status != 400 || e.Message != "KV PUT failed: 400 Invalid expiration_ttl of 59. Expiration TTL must be at least 60." {
			t.Errorf("%+v", err)
		}
		if _, _, err := store.Get(".."); err == nil || err.Error() != `".." is not allowed as a key name.` {
			t.Error(err)
		}
	})
}

func TestGoValuesAreStoredAsJSON(t *testing.T) {
	type point struct{ X, Y int }
	inside(t, func(t *testing.T) {
		meta, err := kvjson.Metadata(point{3, 4})
		ok(t, err)
		ok(t, kvjson.Put(store, "p", point{1, 2}, meta))
		if p, found, err := kvjson.Get[point](store, "p"); p != (point{1, 2}) || !found || err != nil {
			t.Error(p, found, err)
		}
		for key, err := range store.All("") {
			ok(t, err)
			if p, found, err := kvjson.ListMetadata[point](key); p != (point{3, 4}) || !found || err != nil {
				t.Error(p, found, err)
			}
		}
		ok(t, store.PutText("broken", "{"))
		if _, found, err := kvjson.Get[point](store, "broken"); !found || err == nil {
			t.Error(found, err)
		}
		if err := kvjson.Put(store, "p", func() {}); err == nil {
			t.Error("a function was stored")
		}
		if _, found, err := kvjson.ListMetadata[point](kv.Key{}); found || err != nil {
			t.Error(found, err)
		}
	})
}

func TestOutsideOfPagesrunEveryOperationSaysSo(t *testing.T) {
	_, _, err := store.Get("k")
	if !errors.Is(err, abi.CodeUnsupported) || !strings.Contains(err.Error(), "GOOS=wasip1") {
		t.Error(err)
	}
}
