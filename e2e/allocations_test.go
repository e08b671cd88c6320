package e2e_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/e2e/process"
)

// TestARequestAllocatesLittle counts what the serving process allocates for a request, from the bytes on the connection to the line in the log, guests' memory
// not counted. A plain GET is promised 10 allocations and 2 KiB; the others have bars a little above what they take, so that it shows when they take more.
func TestARequestAllocatesLittle(t *testing.T) {
	const plain = "GET / HTTP/1.1\r\nHost: localhost:8787\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n"
	for _, c := range []struct {
		name    string
		guest   *product
		flags   []string
		request string
		most    allocated
	}{
		{"a plain GET, C", cHello, nil, plain, allocated{10, 2 << 10}},
		{"a plain GET, Go", goHello, nil, plain, allocated{10, 2 << 10}},
		{"a GET with a KV get, C", cProbe, []string{"-k", "KV"}, "GET /?op=kv.get&target=KV&key=k HTTP/1.1\r\nHost: localhost:8787\r\n\r\n", allocated{16, 2 << 10}},
		{"a POST with a body, C", cHello, nil, "POST / HTTP/1.1\r\nHost: localhost:8787\r\nContent-Length: 5\r\n\r\nhello", allocated{36, 4 << 10}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, t.TempDir(), append([]string{"serve", c.guest.path(t), "--port", "0", "--admin", "127.0.0.1:0"}, c.flags...)...)
			client := newSameAnswers(t, s, c.request)
			client.ask(1000)
			const n = 5000
			first := allocatedBy(t, s)
			asking := allocatedBy(t, s).minus(first) // what it costs to ask
			first = allocatedBy(t, s)
			client.ask(n)
			each := allocatedBy(t, s).minus(first).minus(asking)
			each.objects, each.bytes = each.objects/n, each.bytes/n
			t.Logf("%.2f allocations, %.0f bytes", each.objects, each.bytes)
			if each.objects > c.most.objects || each.bytes > c.most.bytes {
				t.Errorf("%.2f allocations and %.0f bytes, at most %v and %v", each.objects, each.bytes, c.most.objects, c.most.bytes)
			}
		})
	}
}

// allocated is what a process has allocated so far.
type allocated struct{ objects, bytes float64 }

func (a allocated) minus(b allocated) allocated {
	return allocated{a.objects - b.objects, a.bytes - b.bytes}
}

// allocatedBy asks a server's metrics.
func allocatedBy(t *testing.T, s *process.Server) allocated {
	t.Helper()
	text := metrics(t, s)
	number := func(name string) float64 {
		v, err := strconv.ParseFloat(metric(text, name), 64)
		if err != nil {
			t.Fatal(name, err)
		}
		return v
	}
	return allocated{number("go_memstats_mallocs_total"), number("go_memstats_alloc_bytes_total")}
}

// sameAnswers is a client that sends one request again and again over one connection; the answers must all be as long as the first.
type sameAnswers struct {
	t       *testing.T
	conn    net.Conn
	request []byte
	answer  []byte
}

func newSameAnswers(t *testing.T, s *process.Server, request string) *sameAnswers {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(5 * time.Minute))
	c := &sameAnswers{t: t, conn: conn, request: []byte(request)}
	io.WriteString(conn, request)
	counted := &countingReader{r: conn}
	r := bufio.NewReaderSize(counted, 16)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err)
	}
	c.answer = make([]byte, counted.n)
	return c
}

// ask sends the request n times, several at once so that it does not take long beside other tests.
func (c *sameAnswers) ask(n int) {
	const together = 20
	requests := bytes.Repeat(c.request, together)
	for range n / together {
		c.conn.Write(requests)
		for range together {
			if _, err := io.ReadFull(c.conn, c.answer); err != nil {
				c.t.Fatal(err)
			}
			if !bytes.HasPrefix(c.answer, []byte("HTTP/1.1 200 ")) {
				c.t.Fatalf("%.300s", c.answer)
			}
		}
	}
}

// countingReader counts what is read.
type countingReader struct {
	r io.Reader
	n int
}

// Read implements io.Reader.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}
