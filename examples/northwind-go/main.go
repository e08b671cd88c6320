// Command northwind-go reports on the orders of a trading company, which are in the D1 database DB. Every report is one SQL statement.
package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/guest-sdk/go/d1"
	"github.com/pagesrun/pagesrun/guest-sdk/go/nethttp"
)

const db = d1.Database("DB")

func main() { nethttp.Handle(routes()) }

// routes is the application: reports are read with GET, changes are made with POST.
func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", list)
	for _, r := range reports {
		mux.HandleFunc("GET /reports/"+r.name, r.serve)
	}
	for _, r := range changes {
		mux.HandleFunc("POST /changes/"+r.name, r.serve)
	}
	return mux
}

// list answers with all reports and changes and their SQL.
func list(w http.ResponseWriter, _ *http.Request) {
	b := []byte(`{"reports":`)
	b = appendList(b, reports)
	b = append(b, `,"changes":`...)
	b = appendList(b, changes)
	answer(w, http.StatusOK, append(b, '}'))
}

// serve runs the report with the parameters of the query and answers with columns and rows.
func (r report) serve(w http.ResponseWriter, req *http.Request) {
	values, err := r.values(req.URL.Query())
	if err != nil {
		problem(w, http.StatusBadRequest, err)
		return
	}
	result, err := db.Prepare(r.sql).Bind(values...).All()
	switch {
	case errors.Is(err, abi.CodeInvalidArgument):
		problem(w, http.StatusBadRequest, err)
	case err != nil:
		problem(w, http.StatusInternalServerError, err)
	default:
		b, err := appendResult(nil, &result)
		if err != nil {
			problem(w, http.StatusInternalServerError, err)
			return
		}
		answer(w, http.StatusOK, b)
	}
}

func problem(w http.ResponseWriter, status int, err error) {
	b := appendText([]byte(`{"error":`), strings.ToValidUTF8(err.Error(), "�"))
	answer(w, status, append(b, '}'))
}

func answer(w http.ResponseWriter, status int, document []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(document, '\n'))
}
