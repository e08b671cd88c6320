package analytics

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/dialect"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/query"
)

// queriesMax is how many queries run at once; more are turned away, so that asking does not slow down serving.
const queriesMax = 2

// Codes of errors of the SQL interface, as the platform's interface has them.
const (
	codeAuthentication = 10000
	codeQuery          = 10001
	codeBusy           = 10002
	codeInternal       = 10003
)

// api is the SQL interface.
type api struct {
	token string
	dir   string
	now   func() time.Time
	log   *slog.Logger
	turns chan struct{}
}

// Routes are the SQL interface, where the platform has it. The account can be any.
func (l *live) Routes() []hostfuncs.Route {
	const path = "/client/v4/accounts/{account}/analytics_engine/sql"
	return []hostfuncs.Route{
		{Listener: hostfuncs.ListenerAdmin, Pattern: "POST " + path, Handler: l.api},
		{Listener: hostfuncs.ListenerAdmin, Pattern: "GET " + path, Handler: l.api},
	}
}

// ServeHTTP answers a query: the body of a POST, or the parameter "query" of a GET.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !authorized(r, a.token) {
		refuse(w, http.StatusUnauthorized, codeAuthentication, "Authentication error")
		return
	}
	sql, err := queryOf(w, r)
	if err != nil {
		refuse(w, http.StatusBadRequest, codeQuery, err.Error())
		return
	}
	select {
	case a.turns <- struct{}{}:
		defer func() { <-a.turns }()
	default:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, codeBusy, "too many queries at once; try again")
		return
	}
	a.answer(w, r, sql)
}

func (a *api) answer(w http.ResponseWriter, r *http.Request, sql string) {
	answer, err := query.Run(r.Context(), sql, query.Options{Dir: a.dir, Now: a.now()})
	var refused *query.Refused
	switch {
	case errors.As(err, &refused):
		refuse(w, http.StatusBadRequest, codeQuery, err.Error())
	case err != nil && r.Context().Err() != nil: // nobody waits
	case err != nil:
		a.log.Error("a query failed", "cause", err)
		refuse(w, http.StatusInternalServerError, codeInternal, "the query failed; the log says why")
	default:
		kinds := map[string]string{dialect.FormatJSON: "application/json", dialect.FormatJSONEachRow: "application/x-ndjson", dialect.FormatTabSeparated: "text/tab-separated-values; charset=utf-8"}
		w.Header().Set("Content-Type", kinds[answer.Format])
		w.Write(answer.Body)
	}
}

// queryOf gives the query of a request.
func queryOf(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.Method != http.MethodPost {
		return r.URL.Query().Get("query"), nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, dialect.QueryBytesMax))
	return string(body), err
}

// refuse answers with an error as the platform's interface does.
func refuse(w http.ResponseWriter, status, code int, message string) {
	type apiError struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"success": false, "errors": []apiError{{code, message}}, "messages": []string{}, "result": nil})
}
