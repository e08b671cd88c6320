package main

import (
	"bytes"
	_ "embed"
	"html"
	"net/http"
)

//go:embed page.html
var pageHTML []byte

// page serves the application's page. It is rendered once, at start-up: the result is part of the image every request starts from.
func page(title string) http.HandlerFunc {
	document := bytes.ReplaceAll(pageHTML, []byte("{{title}}"), []byte(html.EscapeString(title)))
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(document)
	}
}
