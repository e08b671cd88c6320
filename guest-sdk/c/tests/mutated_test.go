package tests

import (
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
)

// message is what every message can do.
type message interface {
	AppendCBOR([]byte) []byte
	DecodeCBOR([]byte) error
}

// goMessages are some messages of every shape.
var goMessages = map[string]func() message{
	"Event":            func() message { return new(abi.Event) },
	"Error":            func() message { return new(abi.Error) },
	"RespondRequest":   func() message { return new(abi.RespondRequest) },
	"KVGetRequest":     func() message { return new(abi.KVGetRequest) },
	"KVGetReply":       func() message { return new(abi.KVGetReply) },
	"KVGetBulkRequest": func() message { return new(abi.KVGetBulkRequest) },
	"KVPutRequest":     func() message { return new(abi.KVPutRequest) },
	"KVListReply":      func() message { return new(abi.KVListReply) },
}

// mutate changes some bytes of a message, or how many there are.
func mutate(r *rand.Rand, b []byte) []byte {
	out := append([]byte(nil), b...)
	interesting := []byte{0x00, 0x17, 0x18, 0x19, 0x1b, 0x1f, 0x20, 0x40, 0x58, 0x5b, 0x60, 0x78, 0x7f, 0x80, 0x9b, 0xa0, 0xbf, 0xc1, 0xd9, 0xf4, 0xf6, 0xf8, 0xfb, 0xff}
	for range 1 + r.IntN(3) {
		i := r.IntN(len(out) + 1)
		switch c := interesting[r.IntN(len(interesting))]; {
		case i < len(out) && r.IntN(3) == 0:
			out[i] ^= 1 << r.IntN(8)
		case i < len(out) && r.IntN(2) == 0:
			out[i] = c
		case i < len(out) && r.IntN(2) == 0:
			out = append(out[:i], out[i+1:]...)
		default:
			out = append(out[:i], append([]byte{c}, out[i:]...)...)
		}
	}
	return out
}

// mutatedVectors are damaged valid vectors with what the Go codec makes of them.
func mutatedVectors(t *testing.T, each int) []vector {
	r := rand.New(rand.NewPCG(1, 2))
	var out []vector
	for _, v := range readVectors(t) {
		fresh := goMessages[v.Message]
		data, _ := hex.DecodeString(v.Hex)
		if fresh == nil || len(data) > 200 {
			continue
		}
		for range each {
			m, b := fresh(), mutate(r, data)
			w := vector{Message: v.Message, Name: "damaged " + v.Name, Hex: hex.EncodeToString(b)}
			if err := m.DecodeCBOR(b); err != nil {
				w.Reason = err.Error()
			} else {
				again := hex.EncodeToString(m.AppendCBOR(nil))
				w.Canonical = &again
			}
			out = append(out, w)
		}
	}
	return out
}
