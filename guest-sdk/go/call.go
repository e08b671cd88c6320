package pagesrun

import (
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/host"
)

// Encoder is a request message of package abi.
type Encoder interface {
	// AppendCBOR appends the message to the slice.
	AppendCBOR([]byte) []byte
}

// decoder is a reply message of package abi.
type decoder[R any] interface {
	*R
	DecodeCBOR([]byte) error
}

// Future is an operation in progress. It is made by [Start] and by the async methods of the binding packages.
//
// A Future belongs to the event that made it, and to one goroutine at a time.
type Future[R any] struct {
	handle uint32
	done   bool
	reply  R
	err    error
}

// Start begins operation op on binding target and returns at once. It is the floor on which the binding packages (kv, ...) stand; use it
// for operations that have no package yet. The reply's type is given explicitly:
//
//	f := pagesrun.Start[abi.KVGetReply]("TODO", abi.OpKVGet, &abi.KVGetRequest{Key: "a"})
//
// Whatever goes wrong, including before the operation could start, is reported by [Future.Await].
func Start[R any, P decoder[R]](target, op string, request Encoder) *Future[R] {
	f := new(Future[R])
	begin(f, target, op, request)
	return f
}

// Invoke performs operation op on binding target and waits for its reply.
func Invoke[R any, P decoder[R]](target, op string, request Encoder) (R, error) {
	var f Future[R]
	begin(&f, target, op, request)
	return f.Await()
}

// begin makes the host call of a future.
func begin[R any](f *Future[R], target, op string, request Encoder) {
	h, err := startCall(target, op, request)
	f.handle, f.err, f.done = h, err, err != nil
}

// Await waits for the reply while other goroutines run. It can be called again and returns the same then. A failed operation is an
// [*abi.Error] with the platform's exact text; errors.Is(err, abi.CodeStorageFull) tells its kind.
func (f *Future[R]) Await() (R, error) {
	if f.done {
		return f.reply, f.err
	}
	b, err := awaitReply(f.handle)
	if err == nil {
		err = abi.DecodeReplyShared(b, any(&f.reply).(interface{ DecodeCBOR([]byte) error }))
	}
	f.err, f.done = err, true
	return f.reply, f.err
}

// Cancel says that nobody will ask for the reply any more. An operation that has not finished may or may not take effect. Await
// returns [abi.CodeCanceled] afterwards, unless it had returned before.
func (f *Future[R]) Cancel() {
	if f.done {
		return
	}
	host.Close(f.handle, abi.CloseAbort)
	f.err, f.done = &abi.Error{Code: abi.CodeCanceled, Message: "the operation was canceled by the function"}, true
}

// startCall encodes and sends a request.
func startCall(target, op string, request Encoder) (uint32, error) {
	n := host.Call(target, op, request.AppendCBOR(requestBuffer()))
	if n < 0 {
		return 0, hostError("call "+op, n)
	}
	return uint32(n), nil
}

// awaitReply takes the reply of a call, waiting for it where it has not come yet. The bytes are the caller's own.
func awaitReply(h uint32) ([]byte, error) {
	small := replyBuffer()
	n := host.Result(h, small)
	for n == -int32(abi.CodeWouldBlock) {
		if err := await(h); err != nil {
			return nil, err
		}
		n = host.Result(h, small)
	}
	switch {
	case n < 0:
		return nil, hostError("result", n)
	case int(n) <= len(small):
		return append(make([]byte, 0, n), small[:n]...), nil
	}
	large := make([]byte, n)
	if n = host.Result(h, large); n < 0 {
		return nil, hostError("result", n)
	}
	return large[:n], nil
}

// hostError turns the negative return of a host function into an error.
func hostError(what string, n int32) error {
	code := abi.Code(-n)
	switch code {
	case abi.CodeCanceled:
		cancelCurrent()
	case abi.CodeUnsupported:
		return &abi.Error{Code: code, Message: "pagesrun " + what + ": " + unsupportedText}
	}
	return &abi.Error{Code: code, Message: "pagesrun " + what + ": " + code.String()}
}
