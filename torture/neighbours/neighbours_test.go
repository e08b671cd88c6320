package neighbours

import (
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"

	"github.com/pagesrun/pagesrun/torture/apart"
)

func TestMain(m *testing.M) {
	if !apart.Done(Parts()) {
		os.Exit(m.Run())
	}
}

// TestAnAttackFromAProcessOfItsOwnIsCounted is the control of the attack; that of the healthy client is in package front.
func TestAnAttackFromAProcessOfItsOwnIsCounted(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("kind") != "trap" {
			t.Errorf("%s was asked for", r.URL)
		}
		if asked.Add(1)%2 == 0 {
			w.WriteHeader(http.StatusInternalServerError) // as a trap should
		}
	}))
	defer s.Close()
	var got attacked
	if err := apart.Run(t.Context(), &got, attackPart, s.URL, "trap", "300ms"); err != nil {
		t.Fatal(err)
	}
	if got.Ended == 0 || got.Strange == 0 || got.Strange == got.Ended || asked.Load() < got.Ended {
		t.Errorf("%+v of %d requests, half of which ended as they should", got, asked.Load())
	}
}

func TestAnAttackThatCannotBeIsAnError(t *testing.T) {
	for _, args := range [][]string{{"trap"}, {"http://127.0.0.1:1", "unknown", "1s"}, {"http://127.0.0.1:1", "trap", "soon"}} {
		var got attacked
		if err := apart.Run(t.Context(), &got, attackPart, args...); err == nil {
			t.Errorf("%q is no error", args)
		}
	}
}
