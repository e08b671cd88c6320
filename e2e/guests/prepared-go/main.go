// Command prepared-go is a program of net/http/cgi whose events begin after its start, with cgi_image = "request".
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"os"
	"strings"
)

// started is counted at start-up, served in each event.
var started, served int

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/{where...}", answer)
	started++
	takeEnvironment()
	served++
	if err := cgi.Serve(mux); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// takeEnvironment waits for the request: events begin here.
func takeEnvironment() {
	data, err := os.ReadFile("/proc/self/environ")
	if err != nil {
		return
	}
	for v := range strings.SplitSeq(string(data), "\x00") {
		if name, value, ok := strings.Cut(v, "="); ok {
			os.Setenv(name, value)
		}
	}
}

func answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %q %v %d %d", r.Method, r.URL, body, err, started, served)
}
