// Command probe is an ordinary net/http program with one route for each thing the adapter's tests look at.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/nethttp"
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "Hello, %s!\n", r.PathValue("name")) })
	mux.HandleFunc("/describe", describe)
	mux.HandleFunc("POST /form", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.FormValue("a"), r.FormValue("q")) })
	mux.HandleFunc("POST /lines", lines)
	mux.HandleFunc("/flush", flush)
	mux.HandleFunc("/long", func(w http.ResponseWriter, r *http.Request) {
		for range 1000 {
			io.WriteString(w, strings.Repeat("x", 100))
		}
	})
	mux.HandleFunc("/after", after)
	mux.HandleFunc("/nothing", func(w http.ResponseWriter, r *http.Request) {})
	mux.HandleFunc("/empty", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusNoContent)
		_, err := w.Write([]byte("x"))
		pagesrun.Log(pagesrun.LevelInfo, fmt.Sprint(errors.Is(err, http.ErrBodyNotAllowed)))
	})
	mux.HandleFunc("/cookies", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("Too-Late", "yes")
	})
	mux.HandleFunc("/abort", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/abort-early", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/panic", func(w http.ResponseWriter, r *http.Request) { panic("a bug in the handler") })
	mux.HandleFunc("/ticker", ticker)
	nethttp.Handle(mux)
}

func describe(w http.ResponseWriter, r *http.Request) {
	own := pagesrun.FromContext(r.Context())
	fmt.Fprintln(w, r.Method, r.URL.String(), r.Host, r.RequestURI, r.Proto, r.RemoteAddr, r.ContentLength, r.Header.Get("user-agent"),
		r.Header["Host"] == nil, r.TLS != nil, own.ID(), r.Context().Err())
}

// lines answers each line of the body as it comes.
func lines(w http.ResponseWriter, r *http.Request) {
	in := bufio.NewScanner(r.Body)
	for in.Scan() {
		fmt.Fprintln(w, strings.ToUpper(in.Text()))
		w.(http.Flusher).Flush()
	}
	if in.Err() != nil {
		panic(http.ErrAbortHandler)
	}
}

func flush(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range 3 {
		fmt.Fprintf(w, "data: %d\n\n", i)
		w.(http.Flusher).Flush()
	}
}

// after works after its response; its request is over then, the event is not.
func after(w http.ResponseWriter, r *http.Request) {
	event := pagesrun.FromContext(r.Context())
	child, cancel := context.WithTimeout(r.Context(), time.Hour)
	event.WaitUntil(func() {
		defer cancel()
		pagesrun.Log(pagesrun.LevelInfo, fmt.Sprint(child.Err(), event.Err(), event.Responded()))
	})
	io.WriteString(w, "ok")
}

// ticker writes until the client has gone.
func ticker(w http.ResponseWriter, r *http.Request) {
	t := time.NewTicker(2 * time.Millisecond)
	for {
		select {
		case <-r.Context().Done():
			pagesrun.Log(pagesrun.LevelInfo, "gone: "+context.Cause(r.Context()).Error())
			return
		case <-t.C:
			io.WriteString(w, "tick\n")
			w.(http.Flusher).Flush()
		}
	}
}
