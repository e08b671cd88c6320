package abi

import "github.com/pagesrun/pagesrun/abi/cbor"

// DecodeShared is [Event.DecodeCBOR] without the copies: strings in m alias b as byte slices do, so b must not change as long
// as any of them is in use.
func (m *Event) DecodeShared(b []byte) error {
	r := cbor.NewSharedReader(b)
	m.decodeCBOR(&r)
	return r.Close()
}

// DecodeReplyShared is [DecodeReply] without the copies: strings in m alias b as byte slices do, so b must not change as
// long as any of them is in use. m is a message of this package.
func DecodeReplyShared(b []byte, m interface{ DecodeCBOR([]byte) error }) error {
	if e, err := decodeError(b); e != nil || err != nil {
		if err != nil {
			return err
		}
		return e
	}
	r := cbor.NewSharedReader(b)
	m.(interface{ decodeCBOR(*cbor.Reader) }).decodeCBOR(&r)
	return r.Close()
}
