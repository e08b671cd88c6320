// Command bare is the peer that pagesrun's HTTP figures are compared with: a handler in Go's net/http that answers with a constant.
//
// Usage: bare HOST:PORT
package main

import (
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: bare HOST:PORT")
	}
	log.Fatal(http.ListenAndServe(os.Args[1], http.HandlerFunc(hello)))
}

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, "Hello, world!\n")
}
