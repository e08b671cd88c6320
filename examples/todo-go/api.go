package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/pagesrun/pagesrun/abi"
)

// bodyBytesMax is the longest request body the API reads.
const bodyBytesMax = 4 << 10

// change is what a request may set of a todo; a field that is absent stays as it is.
type change struct {
	Text *string `json:"text"`
	Done *bool   `json:"done"`
}

// apply makes the change, or says what is wrong with it.
func (c change) apply(t *todo) error {
	if c.Text != nil {
		t.Text = strings.TrimSpace(*c.Text)
	}
	if c.Done != nil {
		t.Done = *c.Done
	}
	switch n := utf8.RuneCountInString(t.Text); {
	case n == 0:
		return errors.New("text must not be empty")
	case n > textRunesMax:
		return errors.New("text must not be longer than 200 characters")
	}
	return nil
}

func listTodos(w http.ResponseWriter, r *http.Request) {
	todos, err := all()
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, todos)
}

func addTodo(w http.ResponseWriter, r *http.Request) {
	c, ok := read(w, r)
	if !ok {
		return
	}
	t := newTodo()
	if err := c.apply(&t); err != nil {
		reply(w, http.StatusUnprocessableEntity, problem{err.Error()})
		return
	}
	if err := t.save(); err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Location", "/api/todos/"+t.ID)
	reply(w, http.StatusCreated, t)
}

func changeTodo(w http.ResponseWriter, r *http.Request) {
	c, ok := read(w, r)
	if !ok {
		return
	}
	t, ok, err := load(r.PathValue("id"))
	switch {
	case err != nil:
		fail(w, err)
		return
	case !ok:
		reply(w, http.StatusNotFound, problem{"there is no such todo"})
		return
	}
	if err := c.apply(&t); err != nil {
		reply(w, http.StatusUnprocessableEntity, problem{err.Error()})
		return
	}
	if err := t.save(); err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, t)
}

func deleteTodo(w http.ResponseWriter, r *http.Request) {
	if err := remove(r.PathValue("id")); err != nil {
		fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// read decodes a request's body, or answers that it cannot be.
func read(w http.ResponseWriter, r *http.Request) (c change, ok bool) {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyBytesMax)).Decode(&c); err != nil {
		reply(w, http.StatusBadRequest, problem{"the body must be a JSON object with text and done: " + err.Error()})
		return c, false
	}
	return c, true
}

// problem is the body of every failure.
type problem struct {
	Error string `json:"error"`
}

// fail answers with a failure of the storage.
func fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, abi.CodeInvalidArgument):
		status = http.StatusBadRequest
	case errors.Is(err, abi.CodeTooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, abi.CodeStorageFull):
		status = http.StatusInsufficientStorage
	case errors.Is(err, abi.CodeUnavailable):
		status = http.StatusServiceUnavailable
	}
	reply(w, status, problem{err.Error()})
}

// reply answers with a JSON document.
func reply(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
}
