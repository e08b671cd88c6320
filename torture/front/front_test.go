package front

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestACaseThatFailsWithoutAKnownReasonIsSeen(t *testing.T) {
	v, err := readVerdicts([]byte(`<testsuites><testsuite>
		<testcase package="http2/1" classname="passes"></testcase>
		<testcase package="http2/3.5" classname="Sends invalid connection preface"><failure>x</failure></testcase>
		<testcase package="http2/9" classname="is new"><error>y</error></testcase>
	</testsuite></testsuites>`))
	if err != nil || v.passed != 1 || len(v.failed) != 2 || len(v.unknown) != 1 || v.unknown[0] != "http2/9: is new" {
		t.Fatalf("%+v, %v", v, err)
	}
	if f := v.finding("TLS"); f.Holds || !strings.Contains(f.Got, "is new") {
		t.Errorf("%+v", f)
	}
}

func TestTheHealthyClientSeesFailuresAndDelays(t *testing.T) {
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1)%2 == 0 {
			time.Sleep(20 * time.Millisecond)
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer s.Close()
	h := &Healthy{url: s.URL, http: s.Client(), stop: make(chan struct{}), done: make(chan struct{})}
	go h.run()
	time.Sleep(200 * time.Millisecond)
	if w := h.End(); w.N < 2 || len(w.Bad) == 0 || w.Most < 20*time.Millisecond || !strings.Contains(w.String(), "FAILED") {
		t.Errorf("%+v", w)
	}
}

// TestACutAnswerIsSeen is the control of the instrument "shutdown".
func TestACutAnswerIsSeen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			c.Read(make([]byte, 1024))
			c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"))
			c.Close()
		}
	}()
	var answered, cut atomic.Int64
	if !connection(t.Context(), l.Addr().String(), &answered, &cut) || cut.Load() != 1 || answered.Load() != 0 {
		t.Errorf("%d answered, %d cut", answered.Load(), cut.Load())
	}
}
