package abi

import "github.com/pagesrun/pagesrun/abi/cbor"

// DecodeShared is [Event.DecodeCBOR] without the copies: strings in m alias b as byte slices do, so b must not change as long
// as any of them is in use.
func (m *Event) DecodeShared(b []byte) error {
	r := cbor.NewSharedReader(b)
	m.decodeCBOR(&r)
	return r.Close()
}

// DecodeShared is [D1QueryRequest.DecodeCBOR] without the copies, as [Event.DecodeShared] is. The statements go where m has memory for them.
func (m *D1QueryRequest) DecodeShared(b []byte) error {
	*m = D1QueryRequest{Statements: m.Statements[:0]}
	r := cbor.NewSharedReader(b)
	m.readCBOR(&r)
	return r.Close()
}

// EventRoom is a fetch event together with the memory its decoding would otherwise allocate. Its zero value is ready; it is for one event.
// Of an event of another kind it takes what all kinds have and leaves the rest to [Event.DecodeShared], so that guests without a handler for them
// are not linked with their decoders.
type EventRoom struct {
	Event
	fetch   FetchEvent
	headers [16]Header // more than browsers send
}

// DecodeShared is [Event.DecodeShared] into the room. A fetch event of up to 16 headers needs no other memory.
func (m *EventRoom) DecodeShared(b []byte) error {
	m.Event, m.fetch = Event{}, FetchEvent{Headers: m.headers[:0]}
	r := cbor.NewSharedReader(b)
	for it := r.Map(); it.Next(&r); {
		switch it.Key {
		case 1:
			m.Kind = r.Text()
		case 2:
			m.ID = r.Text()
		case 3:
			m.TimeMS = r.Int64()
		case 4:
			m.Fetch = &m.fetch
			m.fetch.readCBOR(&r)
		default:
			r.Skip()
		}
	}
	if len(m.fetch.Headers) == 0 {
		m.fetch.Headers = nil
	}
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
