// Command todo-go is a small but whole application: a to-do list with a JSON API and a page that uses it. Everything is kept in
// the KV namespace TODO_LIST.
package main

import (
	"net/http"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/nethttp"
)

func main() {
	title, ok := pagesrun.Env("TITLE")
	if !ok {
		title = "Todo"
	}
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
