package kv

import (
	"context"
	"errors"
	"io"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// Operations are what guests can ask for.
func (l *live) Operations() []hostfuncs.Operation {
	return []hostfuncs.Operation{
		{Name: abi.OpKVGet, Run: l.get, Brief: true},
		hostfuncs.Op(abi.OpKVGetBulk, l.getBulk),
		hostfuncs.Op(abi.OpKVPut, l.put),
		hostfuncs.Op(abi.OpKVDelete, l.delete),
		hostfuncs.Op(abi.OpKVList, l.list),
	}
}

// namespace is the one that the call's target is bound to.
func (l *live) namespace(call *hostfuncs.Call) (*Namespace, error) {
	if n, ok := l.namespaces[call.Target]; ok {
		return n, nil
	}
	return nil, &abi.Error{Code: abi.CodeNotConfigured, Message: "no such KV namespace"}
}

// get is the one operation that encodes its reply itself: it is the one guests do most.
func (l *live) get(ctx context.Context, call *hostfuncs.Call, msg, dst []byte) ([]byte, error) {
	var q abi.KVGetRequest
	if err := q.DecodeCBOR(msg); err != nil {
		return dst, &abi.Error{Code: abi.CodeBadMessage, Message: abi.OpKVGet + ": " + err.Error()}
	}
	n, err := l.namespace(call)
	if err != nil {
		return dst, err
	}
	if q.Type == abi.KVStream {
		return l.getStream(ctx, call, n, &q, dst)
	}
	return n.appendGet(ctx, &q, dst)
}

// getStream reads a value and gives it to the guest as a stream. The value is read whole: were it read piece by piece, a guest that takes
// its time would hold on to an old state of the file, and the log could not begin anew meanwhile.
func (l *live) getStream(ctx context.Context, call *hostfuncs.Call, n *Namespace, q *abi.KVGetRequest, dst []byte) ([]byte, error) {
	reply, err := n.Get(ctx, q)
	if err != nil {
		return dst, err
	}
	if reply.Found {
		stream, err := l.held.stream(reply.Value)
		if err != nil {
			return dst, err
		}
		reply.Value = nil
		if reply.Stream, err = call.GiveReadable(stream); err != nil {
			return dst, errors.Join(err, stream.Close())
		}
	}
	return reply.AppendCBOR(dst), nil
}

func (l *live) getBulk(ctx context.Context, call *hostfuncs.Call, q *abi.KVGetBulkRequest) (abi.KVGetBulkReply, error) {
	n, err := l.namespace(call)
	if err != nil {
		return abi.KVGetBulkReply{}, err
	}
	return n.GetBulk(ctx, q)
}

func (l *live) put(ctx context.Context, call *hostfuncs.Call, q *abi.KVPutRequest) (reply abi.KVPutReply, err error) {
	n, err := l.namespace(call)
	if err != nil {
		return reply, err
	}
	if q.Stream != 0 {
		return reply, l.putStream(ctx, call, n, q)
	}
	return reply, n.Put(ctx, q)
}

// putStream takes the value from the guest's stream. Nothing is stored unless it comes to a regular end within the limit.
func (l *live) putStream(ctx context.Context, call *hostfuncs.Call, n *Namespace, q *abi.KVPutRequest) error {
	r, err := call.TakeReadable(q.Stream)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := checkPut(q, n.seconds()); err != nil {
		return err
	}
	value, release, err := l.held.readAll(io.LimitReader(r, abi.KVValueBytesMax+1))
	defer release()
	if err != nil {
		return err
	}
	q.Value = value
	return n.Put(ctx, q)
}

func (l *live) delete(ctx context.Context, call *hostfuncs.Call, q *abi.KVDeleteRequest) (reply abi.KVDeleteReply, err error) {
	n, err := l.namespace(call)
	if err != nil {
		return reply, err
	}
	return reply, n.Delete(ctx, q)
}

func (l *live) list(ctx context.Context, call *hostfuncs.Call, q *abi.KVListRequest) (abi.KVListReply, error) {
	n, err := l.namespace(call)
	if err != nil {
		return abi.KVListReply{}, err
	}
	return n.List(ctx, q)
}
