// Command guest is the function whose data directory is kept: it writes something of every kind into every binding, and tells what is there.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/analytics"
	"github.com/pagesrun/pagesrun/guest-sdk/go/d1"
	"github.com/pagesrun/pagesrun/guest-sdk/go/kv"
	"github.com/pagesrun/pagesrun/guest-sdk/go/nethttp"
	"github.com/pagesrun/pagesrun/guest-sdk/go/queues"
)

const (
	keys    = kv.Namespace("KEYS")
	db      = d1.Database("DB")
	waiting = queues.Queue("WAITING")
	failing = queues.Queue("FAILING")
	points  = analytics.Dataset("POINTS")
)

// farFuture is when keys expire that expire: about the last moment that KV takes.
var farFuture = time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /write", answer(func(io.Writer) error {
		return errors.Join(writeKeys(), writeTables(), writeMessages(), writePoints())
	}))
	mux.HandleFunc("POST /more", answer(func(io.Writer) error { return more() }))
	mux.HandleFunc("GET /read", answer(func(w io.Writer) error { return errors.Join(readKeys(w), readTables(w)) }))
	mux.HandleFunc("GET /received", answer(func(w io.Writer) error { return rows(w, "SELECT queue, body FROM received ORDER BY queue, body") }))
	nethttp.Handle(mux)
	queues.Handle(receive)
	pagesrun.HandleScheduled(func(_ *pagesrun.Context, _ *pagesrun.ScheduledEvent) error { return keys.PutText("ticked", "yes") })
}

// answer is a handler that answers with text, or with 500 where there is an error.
func answer(do func(io.Writer) error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		var text bytes.Buffer
		if err := do(&text); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Write(text.Bytes())
	}
}

func writeKeys() error {
	return errors.Join(
		keys.PutText("plain", "value"),
		keys.PutText("empty", ""),
		keys.Put("bytes", []byte{0, 1, 254, 255}),
		keys.PutText("large", strings.Repeat("0123456789abcdef", 1<<12)),
		keys.PutText("described", "value", kv.Metadata(`{"n":1.5,"list":[null,"ä"]}`)),
		keys.PutText("expiring", "value", kv.Expiration(farFuture)),
		keys.PutText("ключ/with ☃", "value", kv.Metadata(`"text"`), kv.Expiration(farFuture)),
		keys.PutText("deleted", "value"), keys.Delete("deleted"),
	)
}

func writeTables() error {
	_, err := db.Exec("CREATE TABLE kinds (id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, b BLOB, a ANY, d TEXT DEFAULT 'default')\n" +
		"CREATE TABLE parents (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID\n" +
		"CREATE TABLE children (id INTEGER PRIMARY KEY AUTOINCREMENT, parent TEXT NOT NULL REFERENCES parents (name), upper TEXT GENERATED ALWAYS AS (upper(parent)) STORED)\n" +
		"CREATE INDEX by_text ON kinds (t) WHERE t IS NOT NULL\n" +
		"CREATE VIEW counts AS SELECT (SELECT count(*) FROM kinds) AS kinds, (SELECT count(*) FROM children) AS children\n" +
		"CREATE VIRTUAL TABLE words USING fts5(text)\n" +
		"CREATE TABLE received (queue TEXT, body TEXT)\n" +
		"CREATE TRIGGER note AFTER INSERT ON children BEGIN INSERT INTO words VALUES ('child of ' || new.parent); END")
	if err != nil {
		return err
	}
	kind := db.Prepare("INSERT INTO kinds (i, r, t, b, a) VALUES (?, ?, ?, ?, ?)")
	_, err = db.Batch(
		kind.Bind(nil, nil, nil, nil, nil),
		kind.Bind(1<<53-1, 0.1, "text", []byte{0, 255}, 7),
		kind.Bind(-(1<<53-1), -math.MaxFloat64, "ä\n☃", []byte{}, "any"),
		kind.Bind(0, 1e-300, "", bytes.Repeat([]byte{7}, 5000), 2.5),
		db.Prepare("INSERT INTO parents VALUES ('ada'), ('grace')"),
		db.Prepare("INSERT INTO children (parent) VALUES ('ada'), ('grace'), ('ada')"),
		db.Prepare("DELETE FROM children WHERE id = 3"),
	)
	return err
}

func writeMessages() error {
	return errors.Join(
		waiting.SendText("text"), waiting.SendJSON(`{"n":1}`), waiting.SendBytes([]byte{0, 255}),
		waiting.SendText("due at once", queues.Delay(time.Second)),
		waiting.SendText("delayed", queues.Delay(12*time.Hour)),
		waiting.SendBatch([]queues.Outgoing{queues.NewMessage([]byte("first")), queues.NewMessage([]byte("second"))}, queues.Text),
		failing.SendText("goes to the dead letters"),
	)
}

func writePoints() error {
	for i := range 3 {
		points.Write(analytics.Point{Index: "index", Blobs: []string{"blob", fmt.Sprint(i)}, Doubles: []float64{float64(i), 0.5}})
	}
	return nil
}

// more writes into what is there.
func more() error {
	_, err := db.Batch(db.Prepare("INSERT INTO children (parent) VALUES ('grace')"), db.Prepare("UPDATE kinds SET t = 'again' WHERE id = 1"))
	return errors.Join(err, keys.PutText("plain", "again"), keys.Delete("large"), waiting.SendText("again"), writePoints())
}

// receive takes what is waiting; messages of the queue that fails are made dead letters.
func receive(_ *pagesrun.Context, batch *queues.Batch) error {
	if batch.Queue == "failing" {
		return errors.New("this queue fails")
	}
	for _, m := range batch.Messages {
		if _, err := db.Prepare("INSERT INTO received VALUES (?, ?)").Bind(batch.Queue, fmt.Sprintf("%q", m.Body)).Run(); err != nil {
			return err
		}
	}
	return nil
}

func readKeys(w io.Writer) error {
	for key, err := range keys.All("") {
		if err != nil {
			return err
		}
		value, _, err := keys.Get(key.Name)
		if err != nil {
			return err
		}
		expires := "never"
		if !key.Expiration.IsZero() {
			expires = key.Expiration.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(w, "key %q: %d bytes %.20q, metadata %s, expires %s\n", key.Name, len(value), value, key.Metadata, expires)
	}
	return nil
}

func readTables(w io.Writer) error {
	var errs []error
	for _, sql := range []string{
		"SELECT type, name, tbl_name FROM sqlite_schema WHERE name NOT LIKE '\\_cf%' ESCAPE '\\' ORDER BY name",
		"SELECT id, i, r, t, hex(substr(b, 1, 4)), length(b), a, d FROM kinds ORDER BY id",
		"SELECT * FROM children ORDER BY id", "SELECT * FROM counts", "SELECT text FROM words WHERE words MATCH 'grace'", "SELECT name, seq FROM sqlite_sequence",
	} {
		fmt.Fprintln(w, sql)
		errs = append(errs, rows(w, sql))
	}
	return errors.Join(errs...)
}

// rows prints what a query gives.
func rows(w io.Writer, sql string) error {
	found, err := db.Prepare(sql).All()
	if err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	for row := range found.Rows() {
		values, err := row.Values()
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "  %#v\n", values)
	}
	return nil
}
