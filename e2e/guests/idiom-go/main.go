// Command idiom uses KV as the guide for Go tells users to, one path for each part, and answers with what it saw.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/kv"
	"github.com/pagesrun/pagesrun/guest-sdk/go/kv/kvjson"
)

const store = kv.Namespace("KV")

func main() {
	parts := map[string]func(*strings.Builder) error{
		"/values": values, "/documents": documents, "/streams": streams, "/lists": lists, "/together": together, "/failures": failures,
	}
	pagesrun.HandleFetch(func(_ *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
		var b strings.Builder
		if err := parts[req.Path()](&b); err != nil {
			return nil, err
		}
		return pagesrun.Text(200, b.String()), nil
	})
}

func values(b *strings.Builder) error {
	err := errors.Join(
		store.PutText("a", "one", kv.TTL(time.Hour), kv.Metadata(`{"n":1}`)),
		store.Put("b", []byte{0, 255}, kv.Expiration(time.Now().Add(2*time.Minute))),
		store.PutText("c", ""),
		store.Delete("none"))
	text, ok, err1 := store.GetText("a")
	fmt.Fprintln(b, text, ok)
	raw, ok, err2 := store.Get("b", kv.CacheTTL(time.Minute))
	fmt.Fprintln(b, raw, ok)
	text, ok, err3 := store.GetText("c")
	fmt.Fprintf(b, "%q %v\n", text, ok)
	text, ok, err4 := store.GetText("none")
	fmt.Fprintf(b, "%q %v\n", text, ok)
	e, err5 := store.GetWithMetadata("a")
	fmt.Fprintf(b, "%s %s %s %v\n", e.Key, e.Value, e.Metadata, e.Found)
	entries, err6 := store.GetBulk("b", "none", "a", "b")
	for _, e := range entries {
		fmt.Fprintf(b, "%s %q %q %v\n", e.Key, e.Value, e.Metadata, e.Found)
	}
	return errors.Join(err, err1, err2, err3, err4, err5, err6)
}

type document struct {
	Name string   `json:"name"`
	List []string `json:"list,omitempty"`
}

func documents(b *strings.Builder) error {
	metadata, err := kvjson.Metadata(map[string]string{"é": "🤓"})
	err = errors.Join(err, kvjson.Put(store, "d", document{"x", []string{"y"}}, metadata), store.PutText("bad", "{"))
	d, ok, err1 := kvjson.Get[document](store, "d")
	fmt.Fprintln(b, d, ok)
	d, ok, err2 := kvjson.Get[document](store, "none")
	fmt.Fprintln(b, d, ok)
	_, _, bad := kvjson.Get[document](store, "bad")
	fmt.Fprintln(b, bad)
	for key, err := range store.All("d") {
		m, ok, err2 := kvjson.ListMetadata[map[string]string](key)
		fmt.Fprintln(b, key.Name, m, ok, err, err2)
	}
	return errors.Join(err, err1, err2)
}

func streams(b *strings.Builder) error {
	long := bytes.Repeat([]byte("0123456789"), 100_000)
	err := store.PutStream("s", bytes.NewReader(long))
	s, ok, err1 := store.GetStream("s")
	if err := errors.Join(err, err1); err != nil || !ok {
		return errors.Join(err, errors.New("no stream"))
	}
	err2 := store.PutStream("copy", s)
	copied, ok, err3 := store.Get("copy")
	fmt.Fprintln(b, ok, bytes.Equal(copied, long))
	_, ok, err4 := store.GetStream("none")
	fmt.Fprintln(b, ok)
	failed := store.PutStream("s", io.MultiReader(strings.NewReader("begun"), brokenReader{}))
	still, _, err5 := store.Get("s")
	fmt.Fprintln(b, failed, len(still))
	return errors.Join(err2, err3, err4, err5)
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("the source broke") }

func lists(b *strings.Builder) error {
	var writes []kv.WriteFuture
	for i := range 120 {
		writes = append(writes, store.PutAsync(fmt.Sprintf("l%03d", i), []byte("v"), kv.TTL(90*time.Second)))
	}
	for _, w := range writes {
		if err := w.Await(); err != nil {
			return err
		}
	}
	page, err := store.List(kv.ListOptions{Prefix: "l", Limit: 50})
	if err != nil {
		return err
	}
	left := time.Until(page.Keys[0].Expiration).Seconds()
	fmt.Fprintln(b, len(page.Keys), page.Complete, page.Cursor != "", left > 60 && left < 91)
	page, err = store.List(kv.ListOptions{Prefix: "l", Cursor: page.Cursor})
	fmt.Fprintln(b, len(page.Keys), page.Complete, page.Keys[0].Name)
	n := 0
	for key, err := range store.All("l") {
		if err != nil || key.Name != fmt.Sprintf("l%03d", n) {
			return fmt.Errorf("key %d is %q: %w", n, key.Name, err)
		}
		n++
	}
	fmt.Fprintln(b, n)
	return err
}

// together has several operations under way, started by one goroutine and by many.
func together(b *strings.Builder) error {
	results := make(chan error, 20)
	for i := range cap(results) {
		go func() { results <- store.PutText(fmt.Sprint("t", i), fmt.Sprint(i)) }()
	}
	for range cap(results) {
		if err := <-results; err != nil {
			return err
		}
	}
	first, second := store.GetAsync("t3"), store.GetAsync("t7")
	canceled := store.GetAsync("t1")
	canceled.Cancel()
	b2, ok2, err2 := second.Await()
	b1, ok1, err1 := first.Await()
	fmt.Fprintln(b, string(b1), ok1, string(b2), ok2)
	_, _, err := canceled.Await()
	fmt.Fprintln(b, errors.Is(err, abi.CodeCanceled))
	return errors.Join(err1, err2)
}

func failures(b *strings.Builder) error {
	var e *abi.Error
	err := store.PutText("k", "v", kv.TTL(59*time.Second))
	fmt.Fprintln(b, errors.Is(err, abi.CodeInvalidArgument), errors.As(err, &e) && e.Status == 400, err)
	err = store.Put("k", make([]byte, abi.KVValueBytesMax+1))
	fmt.Fprintln(b, errors.Is(err, abi.CodeTooLarge), err)
	_, _, err = store.Get("")
	fmt.Fprintln(b, err)
	_, _, err = kv.Namespace("NONE").Get("k")
	fmt.Fprintln(b, errors.Is(err, abi.CodeNotConfigured), err)
	return nil
}
