package main

import (
	"errors"
	"io"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/kv"
)

// webOperation performs an operation on the request, the response or the event. known is false where there is none of that name.
func (p *probe) webOperation(op string) (resp *pagesrun.Response, known bool, err error) {
	switch op {
	case "request":
		return nil, true, p.request()
	case "respond":
		resp, err = p.respond()
	case "stream.read":
		return nil, true, p.streamRead()
	case "stream.write":
		resp = p.streamWrite()
	case "stream.echo":
		resp = p.streamEcho()
	case "stream.pass":
		resp = &pagesrun.Response{Stream: p.req.Body}
	case "race":
		return nil, true, p.race()
	case "cancel":
		return nil, true, p.cancel()
	case "later":
		return nil, true, p.later()
	case "hang":
		return nil, true, p.hang()
	case "random":
		p.text(hex16(rand.Uint64()) + "\n")
	case "count":
		p.counted()
	default:
		return nil, false, nil
	}
	return resp, true, err
}

// request shows the request.
func (p *probe) request() error {
	body, err := p.body()
	if err != nil {
		return err
	}
	p.line("method "+p.req.Method+"\npath ", p.req.Path())
	if q, ok := p.req.Query("q"); ok {
		p.line("q ", q)
	} else {
		p.text("q -\n")
	}
	for _, value := range p.req.Header.Values(p.param("header")) {
		p.line("header ", value)
	}
	p.text("protocol " + p.req.Protocol + "\nremote " + p.req.RemoteAddr + "\n")
	p.line("body ", string(body))
	return nil
}

// line writes a line that ends with shown bytes.
func (p *probe) line(word, shown string) {
	p.text(word)
	p.show([]byte(shown))
	p.text("\n")
}

// respond makes the response that is asked for.
func (p *probe) respond() (*pagesrun.Response, error) {
	resp := &pagesrun.Response{Status: p.count("status", 200)}
	if name := p.param("name"); name != "" {
		resp.Header.Add(name, p.param("value"))
		if second, ok := p.req.Query("value2"); ok {
			resp.Header.Add(name, second)
		}
	}
	if n := p.number("n"); n != nil {
		resp.Body = fill(int(*n))
		return resp, nil
	}
	var err error
	resp.Body, err = p.body()
	return resp, err
}

// piece is a buffer for one read or write.
func (p *probe) piece() []byte { return make([]byte, p.count("piece", 32<<10)) }

// source opens what is to be read; found is false where there is no such key.
func (p *probe) streamSource() (s *pagesrun.Stream, found bool, err error) {
	key, ok := p.req.Query("key")
	if !ok {
		return p.req.Body, true, nil
	}
	return kv.Namespace(p.param("target")).GetStream(key)
}

// streamRead reads a stream in pieces, to its end or until it has enough.
func (p *probe) streamRead() error {
	s, found, err := p.streamSource()
	if err != nil {
		return err
	}
	if !found {
		p.text("missing\n")
		return nil
	}
	var all []byte
	piece, stop := p.piece(), p.count("stop", -1)
	for stop < 0 || len(all) < stop {
		if stop >= 0 {
			piece = piece[:min(len(piece), stop-len(all))]
		}
		n, err := s.Read(piece)
		all = append(all, piece[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	p.line("value=", string(all))
	return s.Close()
}

// streamWrite answers with letters, in pieces.
func (p *probe) streamWrite() *pagesrun.Response {
	return pagesrun.StreamFunc(200, "text/plain; charset=utf-8", func(w *pagesrun.Writer) error {
		piece, n := p.piece(), p.count("n", 0)
		for sent := 0; sent < n; {
			piece = piece[:min(len(piece), n-sent)]
			for i := range piece {
				piece[i] = 'a' + byte((sent+i)%26)
			}
			if _, err := w.Write(piece); err != nil {
				return p.keepCode(err)
			}
			sent += len(piece)
		}
		if p.param("abort") != "" {
			return errors.New("broken off")
		}
		return nil
	})
}

// keepCode stores the code of an error under the key that is asked for.
func (p *probe) keepCode(err error) error {
	if key := p.param("key"); key != "" {
		return kv.Namespace(p.param("target")).PutText(key, known(err).Code.String())
	}
	return nil
}

// streamEcho answers with each piece of the request as soon as it has been read.
func (p *probe) streamEcho() *pagesrun.Response {
	return pagesrun.StreamFunc(200, "text/plain; charset=utf-8", func(w *pagesrun.Writer) error {
		for piece := p.piece(); ; {
			n, err := p.req.Body.Read(piece)
			if err == io.EOF {
				return nil
			}
			if err == nil {
				_, err = w.Write(piece[:n])
			}
			if err != nil {
				return err
			}
		}
	})
}

// openPut starts a put whose value is still to be written.
func (p *probe) openPut(key string) (*pagesrun.Future[abi.KVPutReply], *pagesrun.Writer, error) {
	s, w, err := pagesrun.Pipe()
	if err != nil {
		return nil, nil, err
	}
	h, _, err := pagesrun.Feed(s)
	if err != nil {
		return nil, nil, err
	}
	return pagesrun.Start[abi.KVPutReply](p.param("target"), abi.OpKVPut, &abi.KVPutRequest{Key: abi.ByteString(key), Stream: h}), w, nil
}

// raced is a call that has ended.
type raced struct {
	word string
	err  error
}

// race has three calls in flight, and lets them end one after the other.
func (p *probe) race() error {
	ended, puts := make(chan raced, 3), map[string]*pagesrun.Writer{}
	for _, key := range []string{"a", "b"} {
		f, w, err := p.openPut(key)
		if err != nil {
			return err
		}
		puts[key] = w
		go func() {
			_, err := f.Await()
			ended <- raced{key, err}
		}()
	}
	get := kv.Namespace(p.param("target")).GetAsync("k")
	select {
	case r := <-ended:
		p.text(r.word)
	case <-time.After(10 * time.Millisecond):
		p.text("timeout")
	}
	go func() {
		_, _, err := get.Await()
		ended <- raced{"get", err}
	}()
	for _, key := range []string{"", "b", "a"} {
		if w := puts[key]; w != nil {
			w.WriteString("1")
			w.Close()
		}
		r := <-ended
		if r.err != nil {
			return r.err
		}
		p.text(" " + r.word)
	}
	p.text("\n")
	return nil
}

// cancel cancels a put in progress and shows what its value's writer sees of that.
func (p *probe) cancel() error {
	const pieces = 1024
	f, w, err := p.openPut(p.param("key"))
	if err != nil {
		return err
	}
	w.WriteString("x")
	f.Cancel()
	piece := fill(32 << 10)
	for range pieces {
		if _, err := w.Write(piece); err != nil {
			p.text("write " + known(err).Code.String() + "\n")
			return nil
		}
	}
	p.text("write ok\n")
	return nil
}

// later answers, and then waits for one key to write another.
func (p *probe) later() error {
	const tries = 800
	value, err := p.body()
	if err != nil {
		return err
	}
	ns := kv.Namespace(p.param("target"))
	p.ctx.WaitUntil(func() {
		for range tries {
			if _, there, err := ns.Get(p.param("until")); err != nil || there {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if err := ns.Put(p.param("key"), value); err != nil {
			p.ctx.Fail(err)
		}
	})
	p.text("done\n")
	return nil
}

// hang says that it has begun and waits for what never comes.
func (p *probe) hang() error {
	if err := kv.Namespace(p.param("target")).PutText(p.param("key"), "begun"); err != nil {
		return err
	}
	f, _, err := p.openPut("never")
	if err != nil {
		return err
	}
	_, err = f.Await()
	return err
}

// counter counts the requests that this memory has seen.
var counter int

// counted counts and takes memory.
func (p *probe) counted() {
	counter++
	kept := fill(p.count("n", 0))
	p.text(strconv.Itoa(counter) + "\n")
	if len(kept) > 0 && kept[len(kept)-1] != 'x' {
		panic("memory does not keep what is written to it")
	}
}
