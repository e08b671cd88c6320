package memory

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestAnswersThatShouldNotBeAreSeen(t *testing.T) {
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.RawQuery == "" && n.Add(1)%2 == 0:
			panic(http.ErrAbortHandler)
		case r.URL.RawQuery != "":
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer s.Close()
	wanted, plain := offer(t.Context(), s.URL, 200*time.Millisecond)
	if !wanted.only(http.StatusServiceUnavailable) || plain.only(http.StatusOK, http.StatusServiceUnavailable) || !strings.Contains(plain.String(), "none at all") {
		t.Errorf("%s, %s", wanted, plain)
	}
}

func TestNoAnswersAreNotWell(t *testing.T) {
	if (&answers{}).only(http.StatusOK) {
		t.Error("nothing was answered, and nothing was wrong")
	}
}
