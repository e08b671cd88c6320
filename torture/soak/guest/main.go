// Command guest is the function of the soak: it uses every kind of storage, and fails in several ways when it is told to.
package main

import (
	"io"
	"net/http"
	"strconv"
	"time"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/d1"
	"github.com/pagesrun/pagesrun/guest-sdk/go/kv"
	"github.com/pagesrun/pagesrun/guest-sdk/go/nethttp"
	"github.com/pagesrun/pagesrun/guest-sdk/go/queues"
)

const (
	keys  = kv.Namespace("KEYS")
	db    = d1.Database("DB")
	queue = queues.Queue("QUEUE")
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /setup", answer(func(*http.Request) (string, error) {
		_, err := db.Exec("CREATE TABLE IF NOT EXISTS entries (id TEXT PRIMARY KEY, value TEXT NOT NULL)")
		return "", err
	}))
	mux.HandleFunc("POST /kv", answer(throughKV))
	mux.HandleFunc("POST /d1", answer(throughD1))
	mux.HandleFunc("POST /queue", answer(func(r *http.Request) (string, error) { return "", queue.SendText(r.URL.Query().Get("id")) }))
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	mux.HandleFunc("GET /trap", func(http.ResponseWriter, *http.Request) { trap() })
	mux.HandleFunc("GET /spin", func(http.ResponseWriter, *http.Request) { spin() })
	mux.HandleFunc("GET /sleep", func(http.ResponseWriter, *http.Request) { time.Sleep(time.Minute) })
	mux.HandleFunc("GET /count", answer(count))
	nethttp.Handle(mux)
	queues.Handle(receive)
	pagesrun.HandleScheduled(tick)
}

// answer is a handler that answers with text, or with 500 where there is an error.
func answer(do func(*http.Request) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := do(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		io.WriteString(w, text)
	}
}

// throughKV stores the body under the id and answers with what is there then.
func throughKV(r *http.Request) (string, error) {
	id, value := r.URL.Query().Get("id"), body(r)
	if err := keys.PutText(id, value); err != nil {
		return "", err
	}
	text, _, err := keys.GetText(id)
	return text, err
}

// throughD1 does the same in a table.
func throughD1(r *http.Request) (text string, err error) {
	id, value := r.URL.Query().Get("id"), body(r)
	if _, err = db.Prepare("INSERT OR REPLACE INTO entries VALUES (?, ?)").Bind(id, value).Run(); err != nil {
		return "", err
	}
	found, err := db.Prepare("SELECT value FROM entries WHERE id = ?").Bind(id).All()
	for row := range found.Rows() {
		err = row.Scan(&text)
	}
	return text, err
}

// body is what could be read of a body; a part of one is stored as such.
func body(r *http.Request) string {
	text, _ := io.ReadAll(r.Body)
	return string(text)
}

// trap ends the instance: what panics in a goroutine of its own, nobody recovers.
func trap() {
	go panic("as it was told to")
	time.Sleep(time.Minute)
}

func spin() {
	for n := 0; ; n++ {
		if n < 0 {
			return
		}
	}
}

// receive counts messages, and fails for the first time it sees one in ten of them.
func receive(_ *pagesrun.Context, batch *queues.Batch) error {
	for i, m := range batch.Messages {
		if i%10 == 9 && m.Attempts == 1 {
			m.Retry()
		}
	}
	return add("received", len(batch.Messages))
}

// tick counts the minutes.
func tick(*pagesrun.Context, *pagesrun.ScheduledEvent) error { return add("ticks", 1) }

// add adds to a number in the database.
func add(id string, n int) error {
	_, err := db.Prepare("INSERT INTO entries VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = value + ?2").Bind(id, n).Run()
	return err
}

// count answers with such a number.
func count(r *http.Request) (string, error) {
	found, err := db.Prepare("SELECT CAST(value AS INTEGER) FROM entries WHERE id = ?").Bind(r.URL.Query().Get("of")).All()
	n := int64(0)
	for row := range found.Rows() {
		err = row.Scan(&n)
	}
	return strconv.FormatInt(n, 10), err
}
