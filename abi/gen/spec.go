package main

import (
	_ "embed"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/pagesrun/pagesrun/abi/cbor"
)

//go:embed templates/spec.md
var specTemplate string

// emitSpec makes the reference.
func emitSpec(s *schema) ([]file, error) {
	t, err := template.New("spec").Option("missingkey=error").Parse(specTemplate)
	if err != nil {
		return nil, err
	}
	g := &specGen{schema: s}
	event, respond := g.helloEvent(), g.helloRespond()
	get, reply, failure := g.getExamples()
	var b strings.Builder
	err = t.Execute(&b, map[string]any{
		"Module": g.constText("Module"), "Tag": tagHandle, "Depth": cbor.DepthMax, "ArrayItems": cbor.ArrayItemsMax,
		"Exports": g.exports(), "Functions": g.functions(), "Codes": g.codes(),
		"ErrorTable": strings.TrimSpace(g.table(s.byName["Error"])), "Events": g.events(), "Operations": g.operations(),
		"Limits": g.limits(func(c constant) bool { return c.file == "abi" }), "BindingLimits": g.limits(func(c constant) bool { return c.file != "abi" }),
		"HelloEvent": event.annotated(), "HelloEventLen": len(event.bytes), "HelloRespond": respond.annotated(), "HelloRespondLen": len(respond.bytes),
		"Get": get.annotated(), "GetLen": len(get.bytes), "GetReply": reply.annotated(), "GetError": failure.annotated(),
	})
	if err != nil {
		return nil, err
	}
	return []file{{path: "abi/SPEC.md", content: []byte(b.String())}}, nil
}

// specGen makes the generated parts of the reference.
type specGen struct{ schema *schema }

// prose is documentation for readers of any language.
func (g *specGen) prose(doc string, about ...*message) string {
	names := map[string]string{}
	for _, c := range g.schema.consts {
		if v, err := strconv.Unquote(c.value); err == nil {
			names[c.name] = strconv.Quote(v)
		} else {
			names[c.name] = c.value
		}
		if strings.HasPrefix(c.name, "Code") {
			names[c.name] = snake(strings.TrimPrefix(c.name, "Code"))
		}
	}
	return joinLines(neutral(doc, names, about...))
}

// without drops the subject of a doc comment ("Key is the key's name" becomes "the key's name").
func without(doc, name string) string {
	rest, ok := strings.CutPrefix(doc, name+" ")
	if !ok {
		return doc
	}
	for _, verb := range []string{"is ", "are "} {
		if r, ok := strings.CutPrefix(rest, verb); ok {
			return r
		}
	}
	return rest
}

// cell is text that can stand in a table.
func cell(s string) string { return strings.ReplaceAll(joinLines(s), "|", "\\|") }

// constText is the text of a string constant.
func (g *specGen) constText(name string) string {
	for _, c := range g.schema.consts {
		if c.name == name {
			if v, err := strconv.Unquote(c.value); err == nil {
				return v
			}
		}
	}
	return ""
}

// prefixed are the constants whose names begin so.
func (g *specGen) prefixed(prefix string) []constant {
	var out []constant
	for _, c := range g.schema.consts {
		if strings.HasPrefix(c.name, prefix) {
			out = append(out, c)
		}
	}
	return out
}

func (g *specGen) exports() string {
	var rows []string
	for _, c := range g.prefixed("Export") {
		sig := "() → ()"
		if c.name == "ExportMemory" {
			sig = "memory"
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", g.constText(c.name), sig, cell(g.prose(without(c.doc, c.name)))))
	}
	return strings.Join(rows, "\n")
}

// functions has a section for each host function: its signature, which its comment has on a line of its own, and the rest of the comment.
func (g *specGen) functions() string {
	var b strings.Builder
	for _, c := range g.prefixed("Func") {
		var sig string
		var paragraphs []string
		for _, p := range strings.Split(c.doc, "\n\n") {
			if strings.HasPrefix(p, "\t") {
				sig = strings.TrimSpace(p)
			} else {
				paragraphs = append(paragraphs, g.prose(without(p, c.name)))
			}
		}
		first := strings.ToUpper(paragraphs[0][:1]) + paragraphs[0][1:]
		fmt.Fprintf(&b, "### %s\n\n```\n%s\n```\n\n%s\n\n", g.constText(c.name), sig, strings.Join(append([]string{first}, paragraphs[1:]...), "\n\n"))
	}
	return b.String()
}

func (g *specGen) codes() string {
	var rows []string
	for _, c := range g.schema.codes() {
		_, doc, _ := strings.Cut(c.doc, ": ")
		rows = append(rows, fmt.Sprintf("| %s | `%s` | %s |", c.value, snake(strings.TrimPrefix(c.name, "Code")), cell(doc)))
	}
	return strings.Join(rows, "\n")
}

// limits lists the constants that end in Max or have Min in them.
func (g *specGen) limits(in func(constant) bool) string {
	var rows []string
	for _, c := range g.schema.consts {
		if in(c) && (strings.HasSuffix(c.name, "Max") || strings.Contains(c.name, "Min")) && !strings.HasPrefix(c.name, "Code") {
			rows = append(rows, fmt.Sprintf("| %s | %s | %s |", snake(c.name), number(c.value), cell(g.prose(without(c.doc, c.name)))))
		}
	}
	return strings.Join(rows, "\n")
}

// number is the value of a constant expression of a number, possibly shifted.
func number(v string) string {
	base, shift, ok := strings.Cut(strings.ReplaceAll(v, "_", ""), " << ")
	n, err := strconv.Atoi(base)
	bits, err2 := strconv.Atoi(shift)
	if err != nil || ok && err2 != nil {
		return v
	}
	return strconv.Itoa(n << bits)
}

// table lists the fields of a message.
func (g *specGen) table(m *message) string {
	if len(m.fields) == 0 {
		return "No fields.\n"
	}
	var b strings.Builder
	b.WriteString("| key | field | type | meaning |\n|---|---|---|---|\n")
	for _, f := range m.fields {
		doc := cell(g.prose(without(f.doc, f.name), g.schema.about(m)...))
		fmt.Fprintf(&b, "| %d | `%s` | %s | %s |\n", f.key, snake(f.name), specType(f.typ), doc)
	}
	return b.String()
}

// specType is a field's type in the words of the reference.
func specType(t fieldType) string {
	name, ok := map[string]string{"string": "text", "ByteString": "bytes", "bytes": "bytes", "Handle": "handle", "Code": "uint32"}[t.base]
	if !ok {
		name = t.base
	}
	if t.message != nil {
		name = "*" + t.base + "*"
	}
	switch {
	case t.slice:
		return "array of " + name
	case t.pointer:
		return name + ", optional"
	}
	return name
}

// events describes the event message and what it holds.
func (g *specGen) events() string {
	event := g.schema.byName["Event"]
	var b strings.Builder
	b.WriteString(g.table(event))
	seen := map[*message]bool{event: true, g.schema.byName["Error"]: true}
	g.nested(&b, event, seen)
	return strings.TrimSuffix(b.String(), "\n")
}

// nested describes the messages within a message that have not been described yet.
func (g *specGen) nested(b *strings.Builder, m *message, seen map[*message]bool) {
	for _, f := range m.fields {
		if n := f.typ.message; n != nil && !seen[n] {
			seen[n] = true
			fmt.Fprintf(b, "\n*%s*: %s\n\n%s", n.name, g.prose(without(n.doc, n.name), n), g.table(n))
			g.nested(b, n, seen)
		}
	}
}

func (g *specGen) operations() string {
	var b strings.Builder
	seen := map[*message]bool{}
	g.nested(&strings.Builder{}, g.schema.byName["Event"], seen)
	for _, m := range g.schema.requests() {
		reply := g.schema.reply(m)
		fmt.Fprintf(&b, "### %s\n\n%s\n\n", m.op, sentence(g.prose(without(m.doc, m.name), m)))
		fmt.Fprintf(&b, "Request (*%s*):\n\n%s", m.name, g.table(m))
		g.nested(&b, m, seen)
		fmt.Fprintf(&b, "\nReply (*%s*): %s\n\n%s", reply.name, g.prose(without(reply.doc, reply.name), g.schema.about(reply)...), g.table(reply))
		g.nested(&b, reply, seen)
		if len(m.errors) > 0 {
			fmt.Fprintf(&b, "\nErrors: `%s`.\n", strings.Join(m.errors, "`, `"))
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n\n")
}

// sentence begins with a capital.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(string(r)) + s[n:]
}

// example is an encoded message with a remark for each of its items.
type example struct {
	bytes []byte
	lines []string
}

// add notes an item: its bytes and what they are.
func (e *example) add(depth int, item []byte, remark string) {
	e.bytes = append(e.bytes, item...)
	h := hex.EncodeToString(item)
	const width = 44
	for len(h) > width {
		e.lines = append(e.lines, strings.Repeat("  ", depth)+h[:width])
		h = h[width:]
	}
	e.lines = append(e.lines, fmt.Sprintf("%-*s# %s", width+8, strings.Repeat("  ", depth)+h, remark))
}

func (e *example) annotated() string { return strings.Join(e.lines, "\n") + "\n" }

// message notes a message and all that is in it.
func (e *example) message(depth int, o *object) {
	e.add(depth, cbor.AppendMap(nil, len(o.fields)), fmt.Sprintf("%s, %s", o.message.name, count(len(o.fields), "field")))
	for _, f := range o.fields {
		e.add(depth+1, cbor.AppendUint(nil, f.field.key), fmt.Sprintf("key %d, %s", f.field.key, snake(f.field.name)))
		e.value(depth+2, f.field.typ, f.value)
	}
}

func (e *example) value(depth int, t fieldType, v any) {
	switch v := v.(type) {
	case *object:
		e.message(depth, v)
	case []any:
		e.add(depth, cbor.AppendArray(nil, len(v)), "array of "+count(len(v), "item"))
		for _, item := range v {
			e.value(depth+1, fieldType{base: t.base, message: t.message}, item)
		}
	case []byte:
		e.add(depth, appendValue(nil, t, v), fmt.Sprintf("%s: %q", count(len(v), "byte"), v))
	case string:
		e.add(depth, appendValue(nil, t, v), fmt.Sprintf("text of %s: %q", count(len(v), "byte"), v))
	default:
		e.add(depth, appendValue(nil, t, v), fmt.Sprint(v))
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// make builds a message from names and values.
func (g *specGen) make(name string, fields map[string]any) *object {
	m := g.schema.byName[name]
	o := &object{message: m}
	for _, f := range m.fields {
		if v, ok := fields[f.name]; ok {
			o.fields = append(o.fields, member{f, v})
		}
	}
	return o
}

func (g *specGen) header(name, value string) *object {
	return g.make("Header", map[string]any{"Name": name, "Value": []byte(value)})
}

func (g *specGen) helloEvent() *example {
	e := &example{}
	e.message(0, g.make("Event", map[string]any{
		"Kind": "fetch", "ID": "5f3a", "TimeMS": int64(1_780_000_000_000),
		"Fetch": g.make("FetchEvent", map[string]any{
			"Method": "GET", "URL": []byte("http://localhost:8787/"), "RemoteAddr": "127.0.0.1", "Protocol": "HTTP/1.1",
			"Headers": []any{g.header("Accept", "*/*"), g.header("User-Agent", "curl/8.5.0")},
		}),
	}))
	return e
}

func (g *specGen) helloRespond() *example {
	e := &example{}
	e.message(0, g.make("RespondRequest", map[string]any{
		"Headers": []any{g.header("content-type", "text/plain")}, "Body": []byte("Hello\n"),
	}))
	return e
}

// getExamples are a kv.get, its reply, and the reply of its failure.
func (g *specGen) getExamples() (get, reply, failure *example) {
	get, reply, failure = &example{}, &example{}, &example{}
	get.message(0, g.make("KVGetRequest", map[string]any{"Key": []byte("todo:1"), "WithMetadata": true}))
	reply.message(0, g.make("KVGetReply", map[string]any{"Found": true, "Value": []byte("buy milk"), "Metadata": `{"done":false}`}))
	failure.add(0, cbor.AppendMap(nil, 1), "reply of a failed operation, 1 field")
	failure.add(1, cbor.AppendUint(nil, 0), "key 0, the error")
	failure.message(2, g.make("Error", map[string]any{"Code": uint64(19), "Message": "the storage failed"}))
	return get, reply, failure
}
