package runtime

import (
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/hostfuncs"
)

// FuzzCGIHeader feeds what a command may print, in pieces of any size: the pieces must not matter, and what is taken for a header must be one.
func FuzzCGIHeader(f *testing.F) {
	for _, seed := range []string{
		"Content-Type: text/plain\r\n\r\nbody", "Status: 404 Not Found\n\n", "Location: /x\n\n", "Location: //x\nStatus: 307\n\n", "\n\n", "A: b\n\nC", ": x\n\n", "Status: 99\n\n",
		"Content-Type:\n\n\n", "content-type: a\nStatus: 0200\n\n", strings.Repeat("A: b\n", 300) + "\n",
	} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, output []byte, step int) {
		if len(output) > cgiBufferBytesMax {
			return // a session is needed to stream
		}
		whole, pieces := &cgiResponse{}, &cgiResponse{}
		whole.write(output)
		for rest := output; len(rest) > 0; {
			n := min(max(step, 1), len(rest))
			pieces.write(rest[:n])
			rest = rest[n:]
		}
		if whole.err != pieces.err || (whole.head == nil) != (pieces.head == nil) || string(whole.buf) != string(pieces.buf) || whole.local != pieces.local {
			t.Fatalf("in one piece %v %v %q, in pieces %v %v %q", whole.head, whole.err, whole.buf, pieces.head, pieces.err, pieces.buf)
		}
		if whole.head == nil {
			return
		}
		if s := whole.head.Status; s < 200 || s > 599 || len(whole.head.Headers) > hostfuncs.ResponseHeadersMax {
			t.Fatalf("status %d, %d fields", s, len(whole.head.Headers))
		}
		for _, h := range whole.head.Headers {
			if h.Name == "" || strings.ContainsAny(h.Name, ": \t\r\n") || strings.Contains(string(h.Value), "\n") {
				t.Fatalf("field %q: %q", h.Name, h.Value)
			}
		}
	})
}
