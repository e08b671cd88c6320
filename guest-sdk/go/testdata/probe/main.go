// Command probe is a function with one route for each thing the SDK's tests look at.
package main

import (
	crand "crypto/rand"
	"errors"
	"hash/maphash"
	"io"
	oldrand "math/rand"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/analytics"
	"github.com/pagesrun/pagesrun/guest-sdk/go/kv"
)

const (
	store  = kv.Namespace("STORE")
	visits = analytics.Dataset("VISITS")
)

var (
	greeting, _ = pagesrun.Env("GREETING")
	warmed      []string
)

func init() { warmed = append(warmed, "init") }

func main() {
	warmed = append(warmed, "main")
	pagesrun.OnWarm(func() { warmed = append(warmed, "warm "+greeting) })
	pagesrun.HandleFetch(handle)
}

var routes = map[string]pagesrun.Handler{
	"/start": start, "/random": random, "/goroutines": goroutines, "/async": async, "/after": after, "/error": failure,
	"/stream": stream, "/echo": echo, "/upper": upper, "/big": big, "/panic": crash, "/fail": fail, "/nil": none, "/timer": timer,
	"/put": put, "/get": get, "/store": storeStream, "/load": loadStream, "/list": list, "/bulk": bulk, "/early": early,
	"/env": env, "/twice": twice, "/broken": broken, "/closed": closed, "/cancel": cancel, "/context": context, "/many": many,
	"/background": background, "/produced": produced, "/points": points,
}

func handle(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	if h := routes[req.Path()]; h != nil {
		return h(ctx, req)
	}
	return pagesrun.Text(404, "no such route"), nil
}

func start(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	return pagesrun.Text(200, strings.Join(warmed, ",")), nil
}

// random answers with one value of each generator.
func random(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	var fresh [8]byte
	crand.Read(fresh[:])
	skip, _ := req.Query("skip")
	for range number(skip) {
		rand.Uint64()
	}
	values := []uint64{
		rand.Uint64(), oldrand.Uint64(), maphash.String(maphash.MakeSeed(), "x"), uint64(fresh[0])<<8 | uint64(fresh[1]),
		rand.Uint64(),
	}
	var words []string
	for _, v := range values {
		words = append(words, strconv.FormatUint(v, 10))
	}
	return pagesrun.Text(200, strings.Join(words, " ")), nil
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// goroutines reads three keys from three goroutines.
func goroutines(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	var values [3]string
	var all sync.WaitGroup
	for i := range values {
		all.Go(func() { values[i], _, _ = store.GetText("k" + strconv.Itoa(i)) })
	}
	all.Wait()
	return pagesrun.Text(200, strings.Join(values[:], ",")), nil
}

// async reads three keys from one goroutine.
func async(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	var values []string
	var reads []kv.GetFuture
	for i := range 3 {
		reads = append(reads, store.GetAsync("k"+strconv.Itoa(i)))
	}
	for _, f := range reads {
		v, ok, err := f.Await()
		values = append(values, string(v)+" "+strconv.FormatBool(ok && err == nil))
	}
	return pagesrun.Text(200, strings.Join(values, ",")), nil
}

// many has n goroutines make m reads each.
func many(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	var all sync.WaitGroup
	found := make(chan bool, 1000)
	for i := range 50 {
		all.Go(func() {
			for range 5 {
				_, ok, err := store.Get("k" + strconv.Itoa(i%3))
				found <- ok && err == nil
			}
		})
	}
	all.Wait()
	close(found)
	n := 0
	for ok := range found {
		if ok {
			n++
		}
	}
	return pagesrun.Text(200, strconv.Itoa(n)), nil
}

// after works after its response, in an order the log shows.
func after(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	ctx.WaitUntil(func() {
		store.PutText("after", "1")
		pagesrun.Log(pagesrun.LevelInfo, "first")
		ctx.WaitUntil(func() { pagesrun.Log(pagesrun.LevelDebug, "nested, responded "+strconv.FormatBool(ctx.Responded())) })
	})
	ctx.WaitUntil(func() {
		store.PutText("after", "2")
		pagesrun.Log(pagesrun.LevelInfo, "second")
	})
	pagesrun.Log(pagesrun.LevelInfo, "handler")
	return pagesrun.Text(200, "ok"), nil
}

// failure shows what a program sees of a failed write.
func failure(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	err := store.PutText("a", "b")
	var e *abi.Error
	text := "full=" + strconv.FormatBool(errors.Is(err, abi.CodeStorageFull)) + " as=" + strconv.FormatBool(errors.As(err, &e))
	_, ok, missing := kv.Namespace("NOT_THERE").Get("a")
	return pagesrun.Text(200, text+" text="+err.Error()+" ok="+strconv.FormatBool(ok)+" missing="+missing.Error()), nil
}

// stream sends a reader of the function's own.
func stream(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	n, _ := req.Query("n")
	return &pagesrun.Response{Status: 201, Stream: strings.NewReader(strings.Repeat("0123456789", number(n)))}, nil
}

// produced sends what a function writes.
func produced(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	return pagesrun.StreamFunc(200, "text/event-stream", func(w *pagesrun.Writer) error {
		for i := range 3 {
			w.WriteString("data: " + strconv.Itoa(i) + "\n\n")
			time.Sleep(time.Millisecond)
		}
		return nil
	}), nil
}

// echo hands the request's body over.
func echo(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	return &pagesrun.Response{Stream: req.Body}, nil
}

// upper reads the request's body.
func upper(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	b, err := req.Body.ReadAll(8 << 20)
	if err != nil {
		return nil, err
	}
	return pagesrun.Text(200, strings.ToUpper(string(b))), nil
}

func big(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	n, _ := req.Query("n")
	return pagesrun.Bytes(200, "application/octet-stream", make([]byte, number(n))), nil
}

func crash(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	panic("a bug in the function")
}

func fail(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	return nil, errors.New("something is missing")
}

func none(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) { return nil, nil }

// timer has a timer due while another goroutine waits for the host.
func timer(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	began := time.Now()
	woke := make(chan time.Duration, 1)
	go func() {
		time.Sleep(5 * time.Millisecond)
		woke <- time.Since(began)
	}()
	store.Get("k0")
	waited := time.Since(began)
	return pagesrun.Text(200, strconv.FormatBool(<-woke < waited)), nil
}

func put(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	key, _ := req.Query("key")
	b, err := req.Body.ReadAll(abi.KVValueBytesMax)
	if err == nil {
		err = store.Put(key, b, kv.Metadata(`{"n":1}`), kv.TTL(2*time.Hour))
	}
	if err != nil {
		return pagesrun.Text(400, err.Error()), nil
	}
	return pagesrun.Text(200, "stored"), nil
}

func get(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	key, _ := req.Query("key")
	e, err := store.GetWithMetadata(key)
	if err != nil {
		return pagesrun.Text(400, err.Error()), nil
	}
	return pagesrun.Text(200, strconv.FormatBool(e.Found)+" "+string(e.Value)+" "+e.Metadata), nil
}

// storeStream stores the request's body, or a reader of its own.
func storeStream(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	var r io.Reader = req.Body
	if how, _ := req.Query("how"); how == "reader" {
		r = io.MultiReader(strings.NewReader("<"), req.Body, strings.NewReader(">"))
	} else if how == "broken" {
		r = io.MultiReader(req.Body, brokenReader{})
	}
	if err := store.PutStream("s", r); err != nil {
		return pagesrun.Text(400, err.Error()), nil
	}
	return pagesrun.Text(200, "stored"), nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("the reader broke") }

// loadStream hands a stored value over.
func loadStream(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	s, ok, err := store.GetStream("s")
	if err != nil || !ok {
		return pagesrun.Text(404, "nothing"), err
	}
	return &pagesrun.Response{Stream: s}, nil
}

func list(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	var names []string
	for key, err := range store.All("k") {
		if err != nil {
			return nil, err
		}
		names = append(names, key.Name+key.Metadata)
	}
	page, err := store.List(kv.ListOptions{Limit: 2})
	names = append(names, strconv.Itoa(len(page.Keys)), strconv.FormatBool(page.Complete), strconv.FormatBool(page.Cursor != ""))
	return pagesrun.Text(200, strings.Join(names, " ")), err
}

func bulk(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	entries, err := store.GetBulk("k2", "nope", "k0", "k2")
	var words []string
	for _, e := range entries {
		words = append(words, e.Key+"="+string(e.Value)+" "+strconv.FormatBool(e.Found))
	}
	return pagesrun.Text(200, strings.Join(words, ",")), err
}

// early responds before it has finished.
func early(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	if err := ctx.Respond(pagesrun.Text(202, "accepted")); err != nil {
		return nil, err
	}
	store.PutText("early", "x")
	return nil, nil
}

// twice responds two times.
func twice(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	ctx.Respond(pagesrun.Text(200, "one"))
	err := ctx.Respond(pagesrun.Text(200, "two"))
	pagesrun.Log(pagesrun.LevelWarn, strconv.FormatBool(errors.Is(err, abi.CodeAlreadyResponded)))
	return nil, nil
}

func env(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	v, okV := pagesrun.Env("GREETING")
	s, okS := pagesrun.Secret("TOKEN")
	_, okN := pagesrun.Env("NOPE")
	_, okP := pagesrun.Secret("GREETING")
	return pagesrun.Text(200, v+" "+s+" "+strings.Trim(strings.Join([]string{
		strconv.FormatBool(okV), strconv.FormatBool(okS), strconv.FormatBool(okN), strconv.FormatBool(okP)}, " "), " ")), nil
}

// broken sends a body that fails half way.
func broken(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	return &pagesrun.Response{Stream: io.MultiReader(strings.NewReader("half"), brokenReader{})}, nil
}

// closed uses streams and futures after their end.
func closed(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	r, w, err := pagesrun.Pipe()
	if err != nil {
		return nil, err
	}
	w.WriteString("ab")
	w.Close()
	b, err := r.ReadAll(100)
	out := string(b) + " " + strconv.FormatBool(err == nil)
	_, err = w.WriteString("c")
	out += " " + strconv.FormatBool(err != nil)
	r, w, _ = pagesrun.Pipe()
	r.Close()
	_, err = w.WriteString("c")
	out += " " + strconv.FormatBool(errors.Is(err, abi.CodeStreamClosed))
	r, w, _ = pagesrun.Pipe()
	w.WriteString("x")
	w.Abort()
	_, err = r.ReadAll(100)
	out += " " + strconv.FormatBool(errors.Is(err, abi.CodeStreamClosed))
	r, w, _ = pagesrun.Pipe()
	w.WriteString("xyz")
	_, err = r.ReadAll(2)
	out += " " + strconv.FormatBool(errors.Is(err, abi.CodeTooLarge))
	f := store.GetAsync("k0")
	f.Cancel()
	_, _, err = f.Await()
	return pagesrun.Text(200, out+" "+strconv.FormatBool(errors.Is(err, abi.CodeCanceled))), nil
}

// cancel notices that the client has gone.
func cancel(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	var err error
	for err == nil {
		_, _, err = store.Get("k0")
	}
	<-ctx.Done()
	pagesrun.Log(pagesrun.LevelInfo, strconv.FormatBool(errors.Is(err, abi.CodeCanceled))+" "+ctx.Err().Error())
	return nil, nil
}

// context shows what the event says of itself.
func context(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	_, deadline := ctx.Deadline()
	return pagesrun.Text(200, strings.Join([]string{ctx.ID(), ctx.Time().UTC().Format(time.RFC3339), req.Method, req.Host(), req.RemoteAddr,
		req.Protocol, req.Header.Get("user-AGENT"), strconv.FormatBool(deadline), strconv.FormatBool(ctx.Err() == nil)}, "|")), nil
}

// background leaves a goroutine behind that waits for the host.
func background(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	go func() {
		_, _, err := store.Get("slow")
		if err != nil {
			pagesrun.Log(pagesrun.LevelInfo, "left behind: "+err.Error())
		}
	}()
	time.Sleep(2 * time.Millisecond)
	return pagesrun.Text(200, "ok"), nil
}

// points writes 100 points and answers with how many pieces of memory that took.
func points(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	p := analytics.Point{Index: "i", Blobs: []string{"a", "b"}, Doubles: []float64{1, 2}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		visits.Write(p)
	}
	runtime.ReadMemStats(&after)
	return pagesrun.Text(200, strconv.FormatUint(after.Mallocs-before.Mallocs, 10)), nil
}
