package e2e_test

import (
	"strings"
	"testing"
)

// variable asks for a variable; the target is its name.
var (
	variable = ask{op: "vars.get"}
	secret   = ask{op: "secrets.get"}
)

// named is a question to a binding by name.
type named struct {
	rule, target string
	ask          ask
	answer       string
}

func TestVariablesAndSecretsThroughGuestsInEveryLanguage(t *testing.T) {
	t.Parallel()
	table := []named{
		{"a string is text", "TEXT", variable, "text plain\n"},
		{"an empty string is text", "EMPTY", variable, "text \n"},
		{"text is UTF-8", "UNICODE", variable, "text %c3%a9%f0%9f%a4%93\n"},
		{"an integer is JSON", "NUMBER", variable, "json 42\n"},
		{"a large integer is exact", "LARGE", variable, "json 9007199254740993\n"},
		{"a float is JSON", "FLOAT", variable, "json 1.5\n"},
		{"a boolean is JSON", "FLAG", variable, "json true\n"},
		{"an array is JSON", "LIST", variable, `json [1,"a",[true]]` + "\n"},
		{"a table is JSON with its keys as written", "TABLE", variable, `json {"b":1,"a":{"c":"<>"}}` + "\n"},
		{"text that looks like JSON stays text", "QUOTED", variable, "text 42\n"},
		{"a secret reads as a secret", "SECRET", secret, "secret s3cret\n"},
		{"a secret answers as a variable too", "SECRET", variable, "text s3cret\n"},
		{"a secret takes the place of a variable of its name", "BOTH", variable, "text from%20.dev.vars\n"},
		{"a secret in the place of a number is text", "COUNT", variable, "text 2\n"},
		{"nothing is expanded in .dev.vars", "LITERAL", secret, "secret $TEXT\n"},
		{"a plain variable is no secret", "TEXT", secret, `error wrong_kind 0 "TEXT" is a binding of kind vars and has no operation "secrets.get"` + "\n"},
		{"a variable that is not configured is named", "NONE", variable, `error not_configured 0 no binding named "NONE" is configured` + "\n"},
		{"a secret that is not configured is named", "NONE", secret, `error not_configured 0 no binding named "NONE" is configured` + "\n"},
		{"names are told apart by case", "text", variable, `error not_configured 0 no binding named "text" is configured` + "\n"},
		{"a KV namespace is no variable", "KV", variable, `error wrong_kind 0 "KV" is a binding of kind kv and has no operation "vars.get"` + "\n"},
		{"a variable is no KV namespace", "TEXT", get("k"), `error wrong_kind 0 "TEXT" is a binding of kind vars and has no operation "kv.get"` + "\n"},
		{"a KV namespace that is not configured is named", "NONE", get("k"), `error not_configured 0 no binding named "NONE" is configured` + "\n"},
		{"the runtime itself has no such operation", "", get("k"), "error unknown_operation 0 the runtime has no operation \"kv.get\" in this event\n"},
		{"all bindings are listed by name", "", ask{op: "bindings"}, "BOTH secrets\nCOUNT secrets\nEMPTY vars\nFLAG vars\nFLOAT vars\nKV kv\nLARGE vars\nLIST vars\n" +
			"LITERAL secrets\nNUMBER vars\nQUOTED vars\nSECRET secrets\nTABLE vars\nTEXT vars\nUNICODE vars\n"},
	}
	askAll(t, table, map[string]string{
		"wrangler.toml": `
[vars]
TEXT = "plain"
EMPTY = ""
UNICODE = "é🤓"
NUMBER = 42
LARGE = 9007199254740993
FLOAT = 1.5
FLAG = true
LIST = [1, "a", [true]]
TABLE = {b = 1, a = {c = "<>"}}
QUOTED = "42"
BOTH = "from vars"
COUNT = 1

[[kv_namespaces]]
binding = "KV"
`,
		".dev.vars": "SECRET=\"s3cret\"\nBOTH='from .dev.vars'\nCOUNT=2\nLITERAL=$TEXT\n",
		".env":      "NONE=not read where there is a .dev.vars\n",
	})
}

func TestVariablesOfJSONAndDotEnvFiles(t *testing.T) {
	t.Parallel()
	askAll(t, []named{
		{"null is JSON", "NOTHING", variable, "json null\n"},
		{"an object is JSON with its keys as written", "OBJECT", variable, `json {"z":[],"a":null}` + "\n"},
		{"a variable in .env is expanded", "GREETING", secret, "secret hello%20world\n"},
		{"a later file wins", "WHO", secret, "secret world\n"},
	}, map[string]string{
		"wrangler.json": `{"vars": {"NOTHING": null, "OBJECT": {"z": [], "a": null,},} /* comments are fine */}`,
		".env":          "WHO=nobody\nGREETING=hello ${WHO}\n",
		".env.local":    "WHO=world\n",
	})
}

// askAll asks the probes in every language.
func askAll(t *testing.T, table []named, files map[string]string) {
	c := &clock{}
	c.seconds.Store(begin)
	for language, probe := range probes() {
		site := serveInProcess(t, probe.bytes(t), c, files)
		for _, row := range table {
			t.Run(row.rule+" ("+language+")", func(t *testing.T) {
				if answer := row.ask.send(t, site, row.target); answer != row.answer {
					t.Errorf("got  %q\nwant %q", answer, row.answer)
				}
			})
		}
	}
}

func TestBindingsWithOneIDShareANamespace(t *testing.T) {
	t.Parallel()
	c := &clock{}
	c.seconds.Store(begin)
	for language, probe := range probes() {
		t.Run(language, func(t *testing.T) {
			site := serveInProcess(t, probe.bytes(t), c, map[string]string{"wrangler.toml": `
kv_namespaces = [
	{binding = "A", id = "one"}, {binding = "B", id = "two", preview_id = "one"}, {binding = "C", id = "C"}, {binding = "one"}]`})
			put("k", "v").send(t, site, "A")
			for target, want := range map[string]string{"A": found("v"), "B": found("v"), "C": missing, "one": found("v")} {
				if answer := get("k").send(t, site, target); answer != want {
					t.Errorf("%s: got %q, want %q", target, answer, want)
				}
			}
		})
	}
}

func TestAnEventMayPerform1000OperationsAndAnswerAfterThem(t *testing.T) {
	t.Parallel()
	c := &clock{}
	c.seconds.Store(begin)
	for language, probe := range probes() {
		site := serveInProcess(t, probe.bytes(t), c, map[string]string{"wrangler.toml": "kv_namespaces = [{binding = \"KV\"}]"})
		many := ask{op: "many"}.with("key", "k")
		if answer := many.with("n", "1000").send(t, site, "KV"); answer != done {
			t.Errorf("%s: 1000 operations: %q", language, answer)
		}
		if answer := many.with("n", "1001").send(t, site, "KV"); !strings.HasPrefix(answer, "error limit_exceeded 0 ") || !strings.HasSuffix(answer, "\nafter 1000\n") {
			t.Errorf("%s: 1001 operations: %q", language, answer)
		}
	}
}
