package strictconn

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

var testLimits = Limits{TargetBytesMax: 64, FieldsMax: 8}

// pieces is a connection whose reads give a stream cut into pieces: the sizes in cuts, over and over.
type pieces struct {
	net.Conn
	rest []byte
	cuts []byte
	next int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := len(p.rest)
	if len(p.cuts) > 0 {
		n = int(p.cuts[p.next%len(p.cuts)])%7 + 1
		p.next++
	}
	n = copy(b, p.rest[:min(n, len(p.rest))])
	p.rest = p.rest[n:]
	return n, nil
}

// pass gives what comes out of a Conn for a stream.
func pass(t testing.TB, stream, cuts []byte) []byte {
	t.Helper()
	out, err := io.ReadAll(Wrap(&pieces{rest: stream, cuts: cuts}, testLimits))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAValidStreamPassesUnchanged(t *testing.T) {
	for _, stream := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"get / HTTP/1.1\r\nhOST:a\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET HTTP://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\t 3 \r\n\r\nabcGET /x HTTP/1.1\r\nHost:\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\n\r anything",
		"GET /unfinished",
	} {
		if out := pass(t, []byte(stream), nil); string(out) != stream {
			t.Errorf("%q became %q", stream, out)
		}
	}
}

func TestARefusedStreamEndsAtTheFirstBadByte(t *testing.T) {
	for _, c := range []struct{ stream, out string }{
		{"GET /\x01 HTTP/1.1\r\n", "GET /" + tailMalformed},
		{"GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1" + tailMalformed},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding" + tailMalformed},
		{"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\r" + tailMalformed},
		{"PRI * HTTP/2.0\r\n\r\nXX", "PRI * HTTP/2.0\r\n\r\n" + tailMalformed},
		{"GET /" + strings.Repeat("a", 70) + " HTTP/1.1\r\n", "GET /" + strings.Repeat("a", 64) + tailTargetTooLong},
		{"GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 9) + "\r\n", "GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 8) + tailTooManyFieldsHost},
	} {
		if out := pass(t, []byte(c.stream), nil); string(out) != c.out {
			t.Errorf("%q became %q, want %q", c.stream, out, c.out)
		}
	}
}

// boundaries gives where in a stream net/http sees its requests end, until it sees something wrong.
func boundaries(stream []byte) (ends []int) {
	under := bytes.NewReader(stream)
	r := bufio.NewReader(under)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return ends
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return ends
		}
		ends = append(ends, len(stream)-under.Len()-r.Buffered())
	}
}

// framed gives where in a stream the framer sees requests end.
func framed(stream []byte) (ends []int) {
	f := framer{targetMax: testLimits.TargetBytesMax, fieldsMax: testLimits.FieldsMax}
	started := false
	for i := range stream {
		if f.feed(stream[i:i+1]) == 0 || f.phase == through {
			return ends
		}
		idle := f.phase == inMethod && f.wordLen == 0
		if started && idle {
			ends = append(ends, i+1)
		}
		started = !idle
	}
	return ends
}

func FuzzStrictConn(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.0\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nx",
		"GET / HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
		"GET /" + strings.Repeat("a", 70) + " HTTP/1.1\r\n\r\n",
	} {
		f.Add([]byte(s), []byte{3, 1, 2})
	}
	f.Fuzz(func(t *testing.T, stream, cuts []byte) {
		whole := pass(t, bytes.Clone(stream), nil)
		if cut := pass(t, bytes.Clone(stream), cuts); !bytes.Equal(whole, cut) {
			t.Fatalf("whole: %q\ncut:   %q", whole, cut)
		}
		if bytes.HasPrefix(stream, []byte("PRI * HTTP/2.0")) {
			return
		}
		compareEnds(t, stream, whole)
	})
}

// compareEnds checks that net/http, reading what was let through, sees every request end where the framer did.
func compareEnds(t *testing.T, stream, passed []byte) {
	ours, theirs := framed(stream), boundaries(passed)
	for i, end := range theirs {
		synthetic := end > len(stream) || !bytes.Equal(stream[:end], passed[:end])
		if !synthetic && (i >= len(ours) || ours[i] != end) {
			t.Fatalf("net/http sees ends at %v, the framer at %v, of %q", theirs, ours, passed)
		}
	}
}

func TestValueSpansAgreeForEveryByteAtEveryPlace(t *testing.T) {
	for c := range 256 {
		for at := range 20 {
			b := []byte("abcdefghijklmnopqrst\x80\xff \t!~")
			b[at] = byte(c)
			if got, want := valueSpan(b), span(b, isValue); got != want {
				t.Fatalf("byte 0x%02x at %d: %d, want %d", c, at, got, want)
			}
		}
	}
}

func BenchmarkFraming(b *testing.B) {
	head := "GET /index.html?a=b HTTP/1.1\r\nHost: localhost:8787\r\n"
	for name, stream := range map[string]string{
		"short": head + "\r\n",
		"browser": head + "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0\r\n" +
			"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n" +
			"Accept-Encoding: gzip, deflate, br, zstd\r\nConnection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\n" +
			"Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\nSec-Fetch-User: ?1\r\n\r\n",
	} {
		b.Run(name, func(b *testing.B) {
			f := framer{targetMax: 1 << 14, fieldsMax: 256}
			msg := []byte(stream)
			b.ReportAllocs()
			for b.Loop() {
				f.feed(msg)
			}
			if f.phase != inMethod {
				b.Fatal("refused")
			}
		})
	}
}
