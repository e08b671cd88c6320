// Command hello-cgi uses no SDK at all: it is a program from the time of CGI. Its request is in the environment and on standard input,
// its response goes to standard output; net/http/cgi of the standard library does both.
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"os"
)

func main() {
	if err := cgi.Serve(http.HandlerFunc(hello)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// hello greets, and gives back what was posted.
func hello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	name := r.URL.Query().Get("name")
	if name == "" {
		name = "world"
	}
	fmt.Fprintf(w, "Hello, %s! This is %s %s.\n", name, r.Method, r.URL.Path)
	io.Copy(w, r.Body)
}
