// Command guest is the function under torture: it writes what clients tell it into KV, D1 and a queue, and says what is there. It answers 200 only
// when the binding has acknowledged the write.
package main

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
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
	mux.HandleFunc("POST /d1/setup", setUp)
	mux.HandleFunc("POST /kv", func(w http.ResponseWriter, r *http.Request) { write(w, r, put) })
	mux.HandleFunc("POST /d1", func(w http.ResponseWriter, r *http.Request) { write(w, r, insert) })
	mux.HandleFunc("POST /queue", func(w http.ResponseWriter, r *http.Request) { write(w, r, send) })
	mux.HandleFunc("POST /queue/batch", func(w http.ResponseWriter, r *http.Request) { write(w, r, sendBatch) })
	mux.HandleFunc("DELETE /kv", func(w http.ResponseWriter, r *http.Request) { write(w, r, remove) })
	mux.HandleFunc("DELETE /d1", func(w http.ResponseWriter, r *http.Request) { write(w, r, erase) })
	mux.HandleFunc("GET /kv", listKeys)
	mux.HandleFunc("GET /d1", table("written"))
	mux.HandleFunc("GET /queue", table("received"))
	mux.HandleFunc("GET /queue/backlog", backlog)
	nethttp.Handle(mux)
	queues.Handle(receive)
}

// write does what a client asks for: "id" in the query is unique, the body is the value.
func write(w http.ResponseWriter, r *http.Request, do func(id, value string) error) {
	value, err := io.ReadAll(r.Body)
	if err == nil {
		err = do(r.URL.Query().Get("id"), string(value))
	}
	if err != nil {
		fail(w, err)
	}
}

// fail answers with 507 where the disk is full, else with 500.
func fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if errors.Is(err, abi.CodeStorageFull) {
		status = http.StatusInsufficientStorage
	}
	http.Error(w, err.Error(), status)
}

func setUp(w http.ResponseWriter, _ *http.Request) {
	_, err := db.Exec("CREATE TABLE IF NOT EXISTS written (id TEXT PRIMARY KEY, value TEXT NOT NULL)\n" +
		"CREATE TABLE IF NOT EXISTS received (id TEXT PRIMARY KEY, value INTEGER NOT NULL)")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func put(id, value string) error { return keys.PutText(id, value) }

// insert writes two rows that belong together, so that half a transaction would be seen.
func insert(id, value string) error {
	statement := db.Prepare("INSERT INTO written VALUES (?, ?)")
	_, err := db.Batch(statement.Bind(id, value), statement.Bind(id+"/2", value))
	return err
}

func remove(id, _ string) error { return keys.Delete(id) }

// erase deletes the rows that insert has written.
func erase(id, _ string) error {
	_, err := db.Prepare("DELETE FROM written WHERE id IN (?1, ?1 || '/2')").Bind(id).Run()
	return err
}

// send sends a message that begins with its id; the value, if there is one, makes it larger.
func send(id, value string) error {
	if value != "" {
		id += " " + value
	}
	return queue.SendText(id)
}

// sendBatch sends as many messages as the value says, all or none.
func sendBatch(id, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil {
		return err
	}
	messages := make([]queues.Outgoing, n)
	for i := range messages {
		messages[i] = queues.NewMessage([]byte(id + "/" + strconv.Itoa(i)))
	}
	return queue.SendBatch(messages, queues.Text)
}

// receive notes every message in the database and acknowledges it afterwards. The value counts how often it came.
func receive(_ *pagesrun.Context, batch *queues.Batch) error {
	statements := make([]d1.Statement, len(batch.Messages))
	for i, m := range batch.Messages {
		id, _, _ := strings.Cut(m.Text(), " ")
		statements[i] = db.Prepare("INSERT INTO received VALUES (?, 1) ON CONFLICT DO UPDATE SET value = value + 1").Bind(id)
	}
	_, err := db.Batch(statements...)
	return err
}

// listKeys answers with a line "key value" for each key with the prefix.
func listKeys(w http.ResponseWriter, r *http.Request) {
	var out strings.Builder
	for key, err := range keys.All(r.URL.Query().Get("prefix")) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		value, _, err := keys.GetText(key.Name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		out.WriteString(key.Name + " " + value + "\n")
	}
	io.WriteString(w, out.String())
}

// table answers with a line "id value" for each row whose id has the prefix.
func table(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		prefix := r.URL.Query().Get("prefix")
		result, err := db.Prepare("SELECT id, value FROM " + name + " WHERE id >= ?1 AND id < ?1 || 'z'").Bind(prefix).All()
		var out strings.Builder
		for row := range result.Rows() {
			var id string
			var value any
			if err = row.Scan(&id, &value); err != nil {
				break
			}
			if n, ok := value.(int64); ok {
				value = strconv.FormatInt(n, 10)
			}
			out.WriteString(id + " " + value.(string) + "\n")
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		io.WriteString(w, out.String())
	}
}

func backlog(w http.ResponseWriter, _ *http.Request) {
	m, err := queue.Metrics()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	io.WriteString(w, strconv.FormatUint(m.BacklogCount, 10))
}
