package tck

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestTextsStandForBytes(t *testing.T) {
	s := scope{index: 7, number: 3, captured: map[string]string{"id": "x+"}}
	for _, row := range []struct{ rule, text, want string }{
		{"plain text is itself", "é a=b", "é a=b"},
		{"escapes are bytes", `\n\t\r\s\\\x00\xff`, "\n\t\r \\\x00\xff"},
		{"the number of the case and of the repetition", `\@ \#`, "7 0003"},
		{"a repetition", `<\{3*a\n\}>`, "<a\na\na\n>"},
		{"a repetition in another", `\{2*b\{2*a\}\}`, "baabaa"},
		{"a count", `\(8..11:\#,\)`, "0008,0009,0010,0011,"},
		{"a count of nothing", `a\(2..1:x\)b`, "ab"},
		{"what was captured", `[\<id>]`, "[x+]"},
	} {
		parsed, err := parseText(row.text)
		if err != nil {
			t.Errorf("%s: %v", row.rule, err)
			continue
		}
		if got, err := parsed.bytes(s); got != row.want || err != nil {
			t.Errorf("%s: %q (%v), want %q", row.rule, got, err, row.want)
		}
	}
}

func TestTextsThatMeanNothingAreRefused(t *testing.T) {
	for _, text := range []string{`\`, `\q`, `\x0`, `\xgg`, `\{3*a`, `\{a*a\}`, `\{-1*a\}`, `\(1:a\)`, `\(1..2a\)`, `\<a`, `\<A>`, `\<a:(>`, strings.Repeat(`\{1*`, 9) + strings.Repeat(`\}`, 9)} {
		if _, err := parseText(text); err == nil {
			t.Errorf("%q is read", text)
		}
	}
	if parsed, err := parseText(`\{60000000*ab\}`); err != nil {
		t.Error(err)
	} else if _, err := parsed.bytes(scope{}); !errors.Is(err, errTooLong) {
		t.Errorf("a text of 120 MB: %v", err)
	}
}

func TestFilesThatMeanNothingAreRefused(t *testing.T) {
	for _, content := range []string{
		"case ", "case a", "case a\n< x", "> kv.get KV", "group x\nneeds luck", "case a\n> kv.get", "case a\n> kv.get KV key", "case a\ntimes x\n> kv.get KV", "case a\nsend x\n> kv.get KV",
		"\tindented", "case a\n> kv.get KV\nwhat", "case a\nlog (", "case a\nhttp GET x", "ignore (", "case a\n> kv.get KV\nstatus x", "case a\npass x",
	} {
		if _, err := Parse("x", content); err == nil {
			t.Errorf("%q is read", content)
		}
	}
}

func TestTheFilesOfTheConfigurationHaveAPartPerCase(t *testing.T) {
	f, err := Parse("x", "file a\n\tone\n\t\n\ttwo\neach a\n\tK@=@\ncase first\n> op T@\ncase second\n> op T@\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Files()["a"]; got != "one\n\ntwo\nK0=0\nK1=1\n" {
		t.Errorf("%q", got)
	}
}

// echo answers with the target, the field "a" and the body; "n" as target counts, "cut" breaks off, "later" is right at the third time.
func echo() http.Handler {
	var n atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch target := r.URL.Query().Get("target"); target {
		case "n":
			fmt.Fprintf(w, "%d\n", n.Add(1))
		case "later":
			fmt.Fprintf(w, "%v\n", n.Add(1) >= 3)
		case "cut":
			w.Header().Set("Content-Length", "10")
			fmt.Fprint(w, "half")
		case "teapot":
			w.Header()["X-A"] = []string{"1", "2"}
			w.WriteHeader(http.StatusTeapot)
		default:
			fmt.Fprintf(w, "%s %s %s\nbody %s\n", r.Method, target, r.URL.Query().Get("a"), body)
		}
	})
}

func TestCasesPassAndFail(t *testing.T) {
	for _, row := range []struct {
		rule, steps string
		passes      bool
	}{
		{"the answer is the expected one", "> op T@ a=\\x00b\n| line\n|= rest\n< POST T0 \x00b\n< body line\n< rest", true},
		{"a byte is another", "> op T a=b\n< POST T c\n< body\\s", false},
		{"there is more", "> op T a=b\n< POST T b", false},
		{"what is ignored may be there", "> op T a=b\n< POST T b", false},
		{"a capture is remembered", "> op T a=xyz\n< POST \\<t:[A-Z]> \\<v:[a-z]+>\n< body\\s\n> op T a=\\<v>\n< POST \\<t> xyz\n< body\\s", true},
		{"a capture does not match", "> op T a=xyz\n< POST T \\<v:[0-9]+>\n< body\\s", false},
		{"status and header are compared", "> op teapot\nstatus 418\nheader X-A: 1, 2\nheader X-B:\n<=", true},
		{"another status", "> op teapot", false},
		{"another header", "> op teapot\nstatus 418\nheader X-A: 1", false},
		{"an answer that breaks off", "> op cut\ncut\n<= half", true},
		{"an answer that must not break off", "> op cut\n<= half", false},
		{"an answer that must break off", "> op T a=b\ncut", false},
		{"distinct answers", "distinct 5\n> op n\n< \\<value:[0-9]+>", true},
		{"answers that are not distinct", "distinct 2\n> op T\n< POST \\<value:T>\\s\n< body\\s", false},
		{"soon", "soon\n> op later\n< true", true},
		{"not yet", "> op later\n< true", false},
		{"times", "times 3\n> op T a=\\#\n< POST T \\#\n< body\\s", true},
		{"together", "together 8\n> op T a=\\#\n< POST T \\#\n< body\\s", true},
		{"one of several together fails", "together 8\n> op T a=\\#\n< POST T 0003\n< body\\s", false},
		{"a conversation", "open\nchunked\n> op T\nsay one\nsay two\nend\nhear POST T \\nbody onetwo\nhear \\n\nover", true},
		{"a conversation in which something else is heard", "open\nchunked\n> op T\nsay one\nend\nhear POST T \\nbody two", false},
		{"a conversation that goes on", "open\n> op T\nhear POST T\nover", false},
		{"a request by name", "http DELETE /?target=x\n< DELETE x\\s\n< body\\s", true},
	} {
		f, err := Parse("x", "case "+row.rule+"\n"+row.steps)
		if err != nil {
			t.Errorf("%s: %v", row.rule, err)
			continue
		}
		server := httptest.NewServer(echo())
		if err := f.Run(&Site{URL: server.URL}, 0); (err == nil) != row.passes {
			t.Errorf("%s: %v", row.rule, err)
		}
		server.Close()
	}
}

func TestTheMatrixCountsWhatPasses(t *testing.T) {
	a, b := &File{Group: "A", Cases: make([]Case, 2)}, &File{Group: "B", Cases: make([]Case, 1)}
	rows := []Row{{"Go", []Outcome{{a, 0, nil}, {a, 1, nil}, {b, 0, nil}}}, {"C", []Outcome{{a, 0, errors.New("no")}, {a, 1, nil}}}}
	const want = "| | A | B |\n|---|---:|---:|\n| Go | 2 | 1 |\n| C | **1 of 2** | 0 |\n"
	if got := Matrix(rows); got != want {
		t.Errorf("%s", got)
	}
}

func TestTheCasesAreReadAndEachSentenceStandsOnce(t *testing.T) {
	files, err := Cases()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		seen := map[string]bool{}
		for _, c := range f.Cases {
			if seen[c.Name] {
				t.Errorf("%s: %q stands there twice", f.Name, c.Name)
			}
			seen[c.Name] = true
		}
	}
}

func FuzzParse(f *testing.F) {
	files, err := caseFiles.ReadDir("cases")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range files {
		content, err := caseFiles.ReadFile("cases/" + e.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(content))
	}
	f.Fuzz(func(t *testing.T, content string) {
		if len(content) > 1<<16 {
			return
		}
		file, err := Parse("x", content)
		if err != nil {
			return
		}
		for _, c := range file.Cases {
			if len(c.steps) == 0 {
				t.Error("a case without a step")
			}
		}
	})
}
