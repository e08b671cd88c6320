// Command probe performs one operation of a binding per request and answers with its whole result as text. What it does and how it answers is told in
// abi/tck/PROBE.md; the conformance kit there runs it.
package main

import (
	"errors"
	"io"
	"os"
	"strconv"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/queues"
)

func main() {
	pagesrun.HandleFetch(answer)
	pagesrun.HandleScheduled(tick)
	queues.Handle(consume)
}

// probe is one request.
type probe struct {
	ctx *pagesrun.Context
	req *pagesrun.Request
	out []byte
}

func answer(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
	p := &probe{ctx: ctx, req: req}
	if p.param("op") == "fail" {
		return nil, errors.New(p.param("text"))
	}
	if word := p.param("announce"); word != "" {
		pagesrun.Log(pagesrun.LevelInfo, word)
	}
	resp, err := p.perform(p.param("op"))
	if err != nil {
		p.failed(err)
	}
	if resp != nil {
		return resp, nil
	}
	return pagesrun.Text(200, string(p.out)), nil
}

// perform writes the result, unless it is a response of its own.
func (p *probe) perform(op string) (*pagesrun.Response, error) {
	switch op {
	case "kv.get":
		return p.get()
	case "kv.get_bulk":
		return nil, p.getBulk()
	case "kv.put":
		return nil, p.put()
	case "kv.delete":
		return nil, p.remove()
	case "kv.list":
		return nil, p.list()
	case "vars.get":
		return nil, p.variable()
	case "secrets.get":
		return nil, p.secret()
	case "bindings":
		return nil, p.bindings()
	case "log":
		return nil, p.log()
	case "many":
		return nil, p.many()
	case "analytics.write":
		return nil, p.writePoints()
	case "trap":
		panic("trap was asked for")
	}
	if resp, known, err := p.webOperation(op); known {
		return resp, err
	}
	if known, err := p.hostOperation(op); known {
		return nil, err
	}
	if known, err := p.queueOperation(op); known {
		return nil, err
	}
	return p.d1Perform(op)
}

// param is a field of the query, empty where it is absent.
func (p *probe) param(name string) string {
	v, _ := p.req.Query(name)
	return v
}

// number is a field of the query, nil where it is absent.
func (p *probe) number(name string) *int64 {
	text, ok := p.req.Query(name)
	if !ok {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return &n
}

// count is a field of the query that is a number, or what is meant where it is absent.
func (p *probe) count(name string, otherwise int) int {
	if n := p.number(name); n != nil {
		return int(*n)
	}
	return otherwise
}

// bodyBytesMax is the longest body the probe takes into its memory.
const bodyBytesMax = 32 << 20

// body reads the whole body.
func (p *probe) body() ([]byte, error) { return p.req.Body.ReadAll(bodyBytesMax) }

func (p *probe) get() (*pagesrun.Response, error) {
	q := abi.KVGetRequest{
		Key: abi.ByteString(p.param("key")), Type: p.param("type"), CacheTTLS: p.number("cache_ttl"), WithMetadata: p.param("with_metadata") != "",
	}
	r, err := pagesrun.Invoke[abi.KVGetReply](p.param("target"), abi.OpKVGet, &q)
	if err != nil {
		return nil, err
	}
	if r.Stream != 0 {
		s := pagesrun.NewStream(r.Stream)
		if p.param("pass") != "" {
			return &pagesrun.Response{Stream: s}, nil
		}
		if r.Value, err = s.ReadAll(abi.KVValueBytesMax); err != nil {
			return nil, err
		}
	}
	p.found(r.Found, r.Value, r.Metadata)
	return nil, nil
}

func (p *probe) getBulk() error {
	q := abi.KVGetBulkRequest{Type: p.param("type"), CacheTTLS: p.number("cache_ttl"), WithMetadata: p.param("with_metadata") != ""}
	body, err := p.req.Body.ReadAll(1 << 20)
	if err != nil {
		return err
	}
	start := 0
	for i, c := range body {
		if c == '\n' {
			q.Keys = append(q.Keys, abi.ByteString(body[start:i]))
			start = i + 1
		}
	}
	r, err := pagesrun.Invoke[abi.KVGetBulkReply](p.param("target"), abi.OpKVGetBulk, &q)
	if err != nil {
		return err
	}
	for _, e := range r.Entries {
		p.show([]byte(e.Key))
		p.text(" ")
		p.found(e.Found, e.Value, e.Metadata)
	}
	return nil
}

func (p *probe) put() error {
	q := abi.KVPutRequest{Key: abi.ByteString(p.param("key")), Expiration: p.number("expiration"), ExpirationTTLS: p.number("ttl")}
	if metadata, ok := p.req.Query("metadata"); ok {
		q.Metadata = (*abi.JSON)(&metadata)
	}
	pump, err := p.source(&q)
	if err != nil {
		return err
	}
	f := pagesrun.Start[abi.KVPutReply](p.param("target"), abi.OpKVPut, &q)
	if pump != nil {
		pump()
	}
	if _, err := f.Await(); err != nil {
		return err
	}
	p.text("done\n")
	return nil
}

// source puts the value into the message, or gives what has to bring it once the operation has begun.
func (p *probe) source(q *abi.KVPutRequest) (pump func() error, err error) {
	n := p.count("n", 0)
	switch p.param("source") {
	case "":
		q.Value, err = p.body()
	case "memory":
		q.Value = fill(n)
	case "stream":
		q.Stream, pump, err = pagesrun.Feed(p.req.Body)
	case "pipe":
		q.Stream, pump, err = pagesrun.Feed(&filler{n, io.EOF})
	case "abort":
		q.Stream, pump, err = pagesrun.Feed(&filler{n, errors.New("broken off")})
	}
	return pump, err
}

// fill gives n bytes that are easy to check.
func fill(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	return b
}

// filler reads as n bytes of [fill] and then as err.
type filler struct {
	n   int
	err error
}

func (f *filler) Read(b []byte) (int, error) {
	n := copy(b, fill(min(f.n, len(b))))
	if n == 0 {
		return 0, f.err
	}
	f.n -= n
	return n, nil
}

func (p *probe) remove() error {
	q := abi.KVDeleteRequest{Key: abi.ByteString(p.param("key"))}
	if _, err := pagesrun.Invoke[abi.KVDeleteReply](p.param("target"), abi.OpKVDelete, &q); err != nil {
		return err
	}
	p.text("done\n")
	return nil
}

func (p *probe) list() error {
	q := abi.KVListRequest{Prefix: abi.ByteString(p.param("prefix")), Limit: p.number("limit"), Cursor: p.param("cursor")}
	r, err := pagesrun.Invoke[abi.KVListReply](p.param("target"), abi.OpKVList, &q)
	if err != nil {
		return err
	}
	for _, k := range r.Keys {
		p.show([]byte(k.Name))
		p.text(" expiration=")
		if k.Expiration == nil {
			p.text("-")
		} else {
			p.text(strconv.FormatInt(*k.Expiration, 10))
		}
		p.metadata(k.Metadata)
	}
	if r.ListComplete {
		p.text("complete")
	} else {
		p.text("more")
	}
	if r.Cursor != "" {
		p.text(" " + r.Cursor)
	}
	p.text("\n")
	return nil
}

func (p *probe) variable() error {
	r, err := pagesrun.Invoke[abi.VarsGetReply](p.param("target"), abi.OpVarsGet, &abi.VarsGetRequest{})
	if err != nil {
		return err
	}
	if r.IsJSON {
		p.text("json ")
	} else {
		p.text("text ")
	}
	p.show([]byte(r.Value))
	p.text("\n")
	return nil
}

func (p *probe) secret() error {
	r, err := pagesrun.Invoke[abi.SecretsGetReply](p.param("target"), abi.OpSecretsGet, &abi.SecretsGetRequest{})
	if err != nil {
		return err
	}
	p.text("secret ")
	p.show([]byte(r.Value))
	p.text("\n")
	return nil
}

func (p *probe) bindings() error {
	r, err := pagesrun.Invoke[abi.BindingsReply]("", abi.OpBindings, &abi.BindingsRequest{})
	if err != nil {
		return err
	}
	for _, b := range r.Bindings {
		p.text(b.Name + " " + b.Kind + "\n")
	}
	return nil
}

// log writes a line in each of the ways there are.
func (p *probe) log() error {
	pagesrun.Log(pagesrun.LevelWarn, "logged "+p.param("text"))
	os.Stdout.WriteString("printed " + p.param("text") + "\n")
	os.Stderr.WriteString("complained " + p.param("text") + "\n")
	p.text("done\n")
	return nil
}

// many reads a key until that fails, or n times.
func (p *probe) many() error {
	q := abi.KVGetRequest{Key: abi.ByteString(p.param("key"))}
	for i := range *p.number("n") {
		if _, err := pagesrun.Invoke[abi.KVGetReply](p.param("target"), abi.OpKVGet, &q); err != nil {
			p.failed(err)
			p.text("after " + strconv.FormatInt(i, 10) + "\n")
			return nil
		}
	}
	p.text("done\n")
	return nil
}

// found writes the answer to a read.
func (p *probe) found(found bool, value []byte, metadata *abi.JSON) {
	if !found {
		p.text("missing\n")
		return
	}
	p.text("value=")
	p.show(value)
	p.metadata(metadata)
}

// metadata ends a line with metadata.
func (p *probe) metadata(metadata *abi.JSON) {
	p.text(" metadata=")
	if metadata == nil {
		p.text("-")
	} else {
		p.show([]byte(*metadata))
	}
	p.text("\n")
}

// failed writes a failure: its code, status and text.
func (p *probe) failed(err error) {
	e := known(err)
	p.out = append(p.out[:0], "error "+e.Code.String()+" "+strconv.Itoa(int(e.Status))+" "+e.Message+"\n"...)
}

// known is an error as one of the ABI.
func known(err error) *abi.Error {
	var e *abi.Error
	if errors.As(err, &e) {
		return e
	}
	return &abi.Error{Code: abi.CodeInternal, Message: err.Error()}
}

func (p *probe) text(s string) { p.out = append(p.out, s...) }

// shownMax is the longest value written in full.
const shownMax = 1024

// show writes bytes.
func (p *probe) show(b []byte) {
	if len(b) > shownMax {
		hash := uint64(0xcbf29ce484222325)
		for _, c := range b {
			hash = (hash ^ uint64(c)) * 0x100000001b3
		}
		p.text("#" + strconv.Itoa(len(b)) + ":" + strconv.FormatUint(hash, 16))
		return
	}
	const hex = "0123456789abcdef"
	for _, c := range b {
		if c > ' ' && c < 0x7f && c != '%' {
			p.out = append(p.out, c)
		} else {
			p.out = append(p.out, '%', hex[c>>4], hex[c&15])
		}
	}
}
