package abi

import "github.com/pagesrun/pagesrun/abi/cbor"

// replyErrorKey is the key of a reply under which a failed operation's [Error] stands alone.
const replyErrorKey = 0

// AppendError appends the reply of a failed operation to dst: a map with e alone, under key 0.
func AppendError(dst []byte, e *Error) []byte {
	dst = cbor.AppendMap(dst, 1)
	dst = cbor.AppendUint(dst, replyErrorKey)
	return e.AppendCBOR(dst)
}

// DecodeReply decodes a reply into m, or returns the [*Error] it carries instead. Any other error means that the reply is not
// what the schema says. Byte slices in m alias b.
func DecodeReply(b []byte, m interface{ DecodeCBOR([]byte) error }) error {
	if e, err := decodeError(b); e != nil || err != nil {
		if err != nil {
			return err
		}
		return e
	}
	return m.DecodeCBOR(b)
}

// decodeError returns the error a reply carries, nil when it carries none. An error without a code is internal.
func decodeError(b []byte) (*Error, error) {
	r := cbor.NewReader(b)
	it := r.Map()
	if !it.Next(&r) || it.Key != replyErrorKey {
		return nil, nil
	}
	e := &Error{}
	e.decodeCBOR(&r)
	for it.Next(&r) {
		r.Skip()
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	if e.Code == 0 {
		e.Code = CodeInternal
	}
	return e, nil
}

// Operation is an entry of the table of operations.
type Operation struct {
	// Name is the operation's name, such as "kv.get".
	Name string
	// Errors are the codes its schema names; any operation may fail with bad_message, not_configured, wrong_kind,
	// unknown_operation, canceled, timeout, unavailable and internal besides.
	Errors []Code
}
