package fakehost

import (
	"bytes"
	"io"

	"github.com/pagesrun/pagesrun/abi"
)

// Response is what the guest has answered.
type Response struct {
	Status  int
	Headers []abi.Header

	done chan struct{} // closed when body and err are final
	body []byte
	err  error
}

// Body waits for the whole body. The error says that the guest aborted it.
func (r *Response) Body() ([]byte, error) {
	<-r.done
	return r.body, r.err
}

// Header returns the first value of a field with exactly this name.
func (r *Response) Header(name string) string {
	for _, f := range r.Headers {
		if f.Name == name {
			return string(f.Value)
		}
	}
	return ""
}

// Response returns the guest's answer; nil when there is none yet.
func (h *Host) Response() *Response {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.response
}

// message is a request or reply of package abi.
type message[T any] interface {
	*T
	AppendCBOR([]byte) []byte
	DecodeCBOR([]byte) error
}

// serve decodes a request, has f answer it and settles the call.
func serve[Q, R any, PQ message[Q], PR message[R]](h *Host, c *call, msg []byte, f func(*Q) (R, *abi.Error)) {
	var q Q
	if err := PQ(&q).DecodeCBOR(msg); err != nil {
		h.reply(c, nil, &abi.Error{Code: abi.CodeBadMessage, Message: err.Error()})
		return
	}
	r, err := f(&q)
	h.reply(c, PR(&r), err)
}

// operate runs one operation.
func (h *Host) operate(c *call, target, op string, msg []byte) {
	if err := h.failing[op]; err != nil {
		h.reply(c, nil, err)
		return
	}
	switch op {
	case abi.OpRespond:
		serve(h, c, msg, h.respond)
	case abi.OpPipe:
		serve(h, c, msg, h.pipe)
	case abi.OpVarsGet:
		serve(h, c, msg, func(*abi.VarsGetRequest) (abi.VarsGetReply, *abi.Error) {
			v, err := lookup(target, h.config.Vars, h.config.Secrets)
			return abi.VarsGetReply{Value: v}, err
		})
	case abi.OpSecretsGet:
		serve(h, c, msg, func(*abi.SecretsGetRequest) (abi.SecretsGetReply, *abi.Error) {
			v, err := lookup(target, h.config.Secrets)
			return abi.SecretsGetReply{Value: v}, err
		})
	case abi.OpD1Query, abi.OpD1Exec, abi.OpD1Dump:
		h.operateD1(c, target, op, msg)
	default:
		if !h.operateEvents(c, target, op, msg) {
			h.operateKV(c, target, op, msg)
		}
	}
}

// lookup finds a name in the first map that has it.
func lookup(name string, maps ...map[string]string) (string, *abi.Error) {
	for _, m := range maps {
		if v, ok := m[name]; ok {
			return v, nil
		}
	}
	return "", notConfigured(name)
}

func notConfigured(name string) *abi.Error {
	return &abi.Error{Code: abi.CodeNotConfigured, Message: "no binding " + name + " is configured"}
}

// pipe is the operation of that name.
func (h *Host) pipe(*abi.PipeRequest) (abi.PipeReply, *abi.Error) {
	p := &pipe{}
	return abi.PipeReply{Readable: abi.Handle(h.add(&readEnd{p})), Writable: abi.Handle(h.add(&writeEnd{p}))}, nil
}

// respond is the operation of that name.
func (h *Host) respond(q *abi.RespondRequest) (abi.RespondReply, *abi.Error) {
	if h.response != nil {
		return abi.RespondReply{}, &abi.Error{Code: abi.CodeAlreadyResponded}
	}
	r := &Response{Status: int(q.Status), Headers: q.Headers, body: q.Body, done: make(chan struct{})}
	if r.Status == 0 {
		r.Status = 200
	}
	if q.Stream == 0 {
		close(r.done)
	} else {
		body, ok := h.take(q.Stream)
		if !ok {
			return abi.RespondReply{}, &abi.Error{Code: abi.CodeBadHandle}
		}
		go func() {
			defer close(r.done)
			r.body, r.err = io.ReadAll(body)
		}()
	}
	h.response = r
	return abi.RespondReply{}, nil
}

// readerOf gives the guest a readable stream with these bytes.
func (h *Host) readerOf(b []byte) abi.Handle {
	return abi.Handle(h.add(&readEnd{&pipe{buf: bytes.Clone(b), ended: true}}))
}
