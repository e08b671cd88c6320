package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/guest-sdk/go/pagesruntest"
)

func start(t *testing.T) *pagesruntest.Function {
	return pagesruntest.Start(t, pagesruntest.Config{KV: []string{"TODO_LIST"}, Vars: map[string]string{"TITLE": "A & B"}}, main)
}

// add adds a todo and returns its id.
func add(t *testing.T, f *pagesruntest.Function, text string) string {
	t.Helper()
	r := f.Fetch("POST", "/api/todos", `{"text":"`+text+`"}`)
	var got todo
	if err := json.Unmarshal([]byte(r.Body), &got); r.Status != 201 || err != nil || r.Get("Location") != "/api/todos/"+got.ID {
		t.Fatalf("%+v %v", r, err)
	}
	return got.ID
}

// texts lists the todos, done ones in capitals.
func texts(t *testing.T, f *pagesruntest.Function) string {
	t.Helper()
	var todos []todo
	if err := json.Unmarshal([]byte(f.Fetch("GET", "/api/todos", "").Body), &todos); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, td := range todos {
		if td.Done {
			td.Text = strings.ToUpper(td.Text)
		}
		out = append(out, td.Text)
	}
	return strings.Join(out, ",")
}

func TestTodosAreAddedChangedAndDeleted(t *testing.T) {
	f := start(t)
	if got := f.Fetch("GET", "/api/todos", "").Body; got != "[]\n" {
		t.Errorf("an empty list is %q", got)
	}
	milk, bread := add(t, f, "milk"), add(t, f, " bread ")
	add(t, f, "ä < ü")
	if r := f.Fetch("PATCH", "/api/todos/"+milk, `{"done":true}`); r.Status != 200 {
		t.Errorf("%+v", r)
	}
	if r := f.Fetch("PATCH", "/api/todos/"+bread, `{"text":"rye bread"}`); r.Status != 200 {
		t.Errorf("%+v", r)
	}
	if got := texts(t, f); got != "MILK,rye bread,ä < ü" {
		t.Error(got)
	}
	for range 2 {
		if r := f.Fetch("DELETE", "/api/todos/"+milk, ""); r.Status != 204 || r.Body != "" {
			t.Errorf("%+v", r)
		}
	}
	if got := texts(t, f); got != "rye bread,ä < ü" {
		t.Error(got)
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	f := start(t)
	id := add(t, f, "milk")
	for _, c := range []struct {
		name, method, url, body string
		status                  int
	}{
		{"an empty text", "POST", "/api/todos", `{"text":"  "}`, 422},
		{"a long text", "POST", "/api/todos", `{"text":"` + strings.Repeat("ä", 201) + `"}`, 422},
		{"a text that is too much metadata", "POST", "/api/todos", `{"text":"a` + strings.Repeat(`\u0001`, 198) + `b"}`, 413},
		{"no JSON", "POST", "/api/todos", `text`, 400},
		{"too much JSON", "POST", "/api/todos", `{"text":"` + strings.Repeat("a", 5000) + `"}`, 400},
		{"another type", "PATCH", "/api/todos/" + id, `{"done":"yes"}`, 400},
		{"an emptied text", "PATCH", "/api/todos/" + id, `{"text":""}`, 422},
		{"an unknown id", "PATCH", "/api/todos/nope", `{"done":true}`, 404},
		{"an id over the limit", "PATCH", "/api/todos/" + strings.Repeat("x", 600), `{"done":true}`, 400},
		{"another method", "PUT", "/api/todos", ``, 405},
		{"another path", "GET", "/nope", ``, 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := f.Fetch(c.method, c.url, c.body); r.Status != c.status {
				t.Errorf("%+v", r)
			}
		})
	}
	if got := texts(t, f); got != "milk" {
		t.Error(got)
	}
}

func TestThePageIsServedWithItsTitle(t *testing.T) {
	r := start(t).Fetch("GET", "/", "")
	if r.Status != 200 || r.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(r.Body, "<h1>A &amp; B</h1>") {
		t.Errorf("%+v", r)
	}
}
