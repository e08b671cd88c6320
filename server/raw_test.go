package server

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// probe is sent after each raw request. It is answered only when the server took the bytes before it for whole requests and kept
// the connection.
const probe = "GET /probe HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n"

// rawCase is one entry of testdata/raw.txt: what is sent and what comes back.
type rawCase struct {
	name, send string
	want       string
}

// readRaw reads cases like
//
//	# what is special
//	send "GET / HTTP/1.1\r\n..."
//	back 200 GET http://a/
//	back probe
//
// where send is a Go string, may be repeated, and may end in "* n".
func readRaw(t *testing.T, file string) (cases []rawCase) {
	t.Helper()
	for i, line := range strings.Split(string(must(os.ReadFile(file))), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case word == "#":
			cases = append(cases, rawCase{name: rest})
		case word == "send":
			cases[len(cases)-1].send += unquote(t, i, rest)
		case word == "back":
			cases[len(cases)-1].want += rest + "\n"
		case line != "":
			t.Fatalf("%s:%d: what is %q?", file, i+1, line)
		}
	}
	return cases
}

func unquote(t *testing.T, line int, s string) string {
	t.Helper()
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		t.Fatalf("line %d: %v", line+1, err)
	}
	text := must(strconv.Unquote(quoted))
	if _, times, ok := strings.Cut(s[len(quoted):], "* "); ok {
		text = strings.Repeat(text, must(strconv.Atoi(times)))
	}
	return text
}

// exchange sends bytes in pieces, then the probe, and describes what comes back.
func exchange(t *testing.T, s *running, send string, piece int) string {
	t.Helper()
	c := s.dial(t)
	go func() {
		for b := []byte(send + probe); len(b) > 0; {
			n := min(piece, len(b))
			if _, err := c.Write(b[:n]); err != nil {
				return
			}
			b = b[n:]
		}
	}()
	all, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) { // which is how a connection ends whose client goes on sending
		return fmt.Sprintf("%v after %q\n", err, all)
	}
	return strings.ReplaceAll(describe(all), s.Addr().String(), "LOCAL")
}

// describe gives one line per response.
func describe(all []byte) string {
	r := bufio.NewReader(bytes.NewReader(all))
	var b strings.Builder
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			break
		}
		body, _ := io.ReadAll(resp.Body)
		first, _, _ := strings.Cut(string(body), "\r\n")
		first, _, _ = strings.Cut(first, "\n")
		switch {
		case strings.Contains(first, "http://probe/probe"):
			b.WriteString("probe\n")
		case resp.StatusCode == 200:
			fmt.Fprintf(&b, "200 %.60s\n", first)
		default:
			fmt.Fprintf(&b, "%d\n", resp.StatusCode)
		}
	}
	return b.String()
}

func TestRawRequests(t *testing.T) {
	const file = "testdata/raw.txt"
	s := start(t, Options{URLBytesMax: 1000, HeaderFieldsMax: 20, HeaderBytesMax: 8000, BodyBytesMax: 5000}, echo)
	cases := readRaw(t, file)
	for i := range cases {
		c := &cases[i]
		whole, cut := exchange(t, s, c.send, len(c.send)+len(probe)), exchange(t, s, c.send, 37)
		if whole != cut {
			t.Errorf("%s:\nin one piece: %sin pieces:    %s", c.name, whole, cut)
		}
		if *update {
			c.want = whole
		}
		if whole != c.want {
			t.Errorf("%s:\ngot  %swant %s", c.name, whole, c.want)
		}
	}
	if *update {
		writeRaw(file, cases)
	}
}

// writeRaw puts new outcomes into the file.
func writeRaw(file string, cases []rawCase) {
	var b strings.Builder
	next := 0
	for line := range strings.Lines(string(must(os.ReadFile(file)))) {
		if strings.HasPrefix(line, "back ") {
			continue
		}
		if line == "\n" && next < len(cases) {
			b.WriteString(backLines(cases[next].want))
			next++
		}
		b.WriteString(line)
	}
	for ; next < len(cases); next++ {
		b.WriteString(backLines(cases[next].want))
	}
	os.WriteFile(file, []byte(b.String()), 0o644)
}

func backLines(want string) (lines string) {
	for line := range strings.Lines(want) {
		lines += "back " + line
	}
	return lines
}
