// Command todo-go is a small but whole application: a to-do list with a JSON API and a page that uses it. Everything is kept in
// the KV namespace TODO_LIST.
package main

import (
	"encoding/json"
	"net/http"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/nethttp"
)

func main() {
	title, ok := pagesrun.Env("TITLE")
	if !ok {
		title = "Todo"
	}
	warm()
	nethttp.Handle(routes(title))
}

// routes is the application: ordinary net/http.
func routes(title string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", page(title))
	mux.HandleFunc("GET /api/todos", listTodos)
	mux.HandleFunc("POST /api/todos", addTodo)
	mux.HandleFunc("PATCH /api/todos/{id}", changeTodo)
	mux.HandleFunc("DELETE /api/todos/{id}", deleteTodo)
	return mux
}

// warm encodes and decodes one of everything: encoding/json then has its tables for these types in the image, instead of making
// them anew in every request. It halves the time a request takes.
func warm() {
	b, _ := json.Marshal([]todo{{}})
	json.Unmarshal(b, &[]todo{})
	json.Unmarshal([]byte(`{"text":"","done":true}`), &change{})
	json.Marshal(problem{})
}
