package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// schema is what the sources of a package of messages say.
type schema struct {
	pkg      string
	file     string     // the source file being read, as in message
	messages []*message // in the order of file names and positions
	consts   []constant
	byName   map[string]*message
}

// message is one message struct.
type message struct {
	name   string
	file   string // base name of its source file, without .go
	doc    string
	op     string   // of a request: the operation's name
	errors []string // of a request: names of codes
	fields []field
}

// field is one field of a message.
type field struct {
	name string
	key  uint64
	doc  string
	typ  fieldType
}

// fieldType is the type of a field: a base type, possibly behind a pointer or in a slice.
type fieldType struct {
	base    string // "string", "bytes", "Handle", the name of a message, ...
	pointer bool
	slice   bool
	message *message // when base names one
}

// constant is a named constant with its documentation.
type constant struct {
	name  string
	file  string // base name of its source file, without .go
	doc   string
	value string // the source of its value
	group string // documentation of the block it stands in
}

// baseTypes are the types a field can have besides messages and []byte.
var baseTypes = map[string]bool{
	"string": true, "ByteString": true, "JSON": true, "Handle": true, "Code": true, "bool": true,
	"int64": true, "int32": true, "uint64": true, "uint32": true, "float64": true,
}

// parse reads the Go files of dir, without tests and emitted files.
func parse(dir string) (*schema, error) {
	s := &schema{byName: map[string]*message{}}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_gen.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := s.addFile(fset, name, src); err != nil {
			return nil, err
		}
	}
	return s, s.resolve()
}

// addFile adds the messages and constants of one source file.
func (s *schema) addFile(fset *token.FileSet, name string, src []byte) error {
	f, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		return err
	}
	s.pkg = f.Name.Name
	s.file = strings.TrimSuffix(filepath.Base(name), ".go")
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			if err := s.addSpec(g, spec); err != nil {
				return fmt.Errorf("%s: %w", fset.Position(spec.Pos()), err)
			}
		}
	}
	return nil
}

func (s *schema) addSpec(g *ast.GenDecl, spec ast.Spec) error {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if st, ok := spec.Type.(*ast.StructType); ok {
			return s.addStruct(spec.Name.Name, docOf(g, spec), st)
		}
	case *ast.ValueSpec:
		if g.Tok == token.CONST && len(spec.Values) == 1 {
			s.addConst(g, spec)
		}
	}
	return nil
}

func docOf(g *ast.GenDecl, spec *ast.TypeSpec) *ast.CommentGroup {
	if spec.Doc != nil {
		return spec.Doc
	}
	return g.Doc
}

func (s *schema) addConst(g *ast.GenDecl, spec *ast.ValueSpec) {
	c := constant{name: spec.Names[0].Name, file: s.file, doc: text(spec.Doc), value: source(spec.Values[0])}
	if g.Lparen.IsValid() {
		c.group = text(g.Doc)
	} else {
		c.doc = text(g.Doc)
	}
	s.consts = append(s.consts, c)
}

// addStruct adds a struct if it is a message.
func (s *schema) addStruct(name string, doc *ast.CommentGroup, st *ast.StructType) error {
	m := &message{name: name, file: s.file, doc: text(doc)}
	if err := m.directives(doc); err != nil {
		return err
	}
	for _, f := range st.Fields.List {
		if f.Tag == nil {
			continue
		}
		fl, err := newField(f)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if n := len(m.fields); n > 0 && fl.key <= m.fields[n-1].key {
			return fmt.Errorf("%s.%s: keys must ascend", name, fl.name)
		}
		m.fields = append(m.fields, fl)
	}
	empty := st.Fields.NumFields() == 0 && (strings.HasSuffix(name, "Request") || strings.HasSuffix(name, "Reply"))
	if len(m.fields) == 0 && !empty {
		return nil
	}
	if len(m.fields) > 0 && len(m.fields) != st.Fields.NumFields() {
		return fmt.Errorf("%s: a field of a message has no cbor tag", name)
	}
	s.messages = append(s.messages, m)
	s.byName[name] = m
	return nil
}

// directives takes the //pagesrun: lines of a documentation comment.
func (m *message) directives(doc *ast.CommentGroup) error {
	if doc == nil {
		return nil
	}
	for _, c := range doc.List {
		line, ok := strings.CutPrefix(c.Text, "//pagesrun:")
		if !ok {
			continue
		}
		words := strings.Fields(line)
		switch {
		case len(words) == 2 && words[0] == "op":
			m.op = words[1]
		case len(words) > 1 && words[0] == "errors":
			m.errors = words[1:]
		default:
			return fmt.Errorf("%s: bad directive %q", m.name, c.Text)
		}
	}
	return nil
}

func newField(f *ast.Field) (field, error) {
	if len(f.Names) != 1 {
		return field{}, fmt.Errorf("one name per field, please")
	}
	fl := field{name: f.Names[0].Name, doc: text(f.Doc)}
	tag, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return fl, fmt.Errorf("%s: %w", fl.name, err)
	}
	if fl.key, err = strconv.ParseUint(reflect.StructTag(tag).Get("cbor"), 10, 32); err != nil || fl.key == 0 {
		return fl, fmt.Errorf("%s: the cbor tag must be a number from 1", fl.name)
	}
	if fl.doc == "" {
		return fl, fmt.Errorf("%s: not documented", fl.name)
	}
	fl.typ, err = newType(f.Type)
	if err != nil {
		return fl, fmt.Errorf("%s: %w", fl.name, err)
	}
	return fl, nil
}

// newType understands T, *T, []T and []byte.
func newType(e ast.Expr) (fieldType, error) {
	switch e := e.(type) {
	case *ast.Ident:
		return fieldType{base: e.Name}, nil
	case *ast.StarExpr:
		if id, ok := e.X.(*ast.Ident); ok {
			return fieldType{base: id.Name, pointer: true}, nil
		}
	case *ast.ArrayType:
		if id, ok := e.Elt.(*ast.Ident); ok && e.Len == nil {
			if id.Name == "byte" {
				return fieldType{base: "bytes"}, nil
			}
			return fieldType{base: id.Name, slice: true}, nil
		}
	}
	return fieldType{}, fmt.Errorf("a field cannot have the type %s", source(e))
}

// resolve finds the messages that fields name and checks that every request has its reply.
func (s *schema) resolve() error {
	for _, m := range s.messages {
		for i := range m.fields {
			if err := s.resolveType(&m.fields[i].typ); err != nil {
				return fmt.Errorf("%s.%s: %w", m.name, m.fields[i].name, err)
			}
		}
		if m.op != "" && s.reply(m) == nil {
			return fmt.Errorf("%s: operation %s has no reply message", m.name, m.op)
		}
		for _, e := range m.errors {
			if !s.hasCode(e) {
				return fmt.Errorf("%s: unknown error %s", m.name, e)
			}
		}
	}
	return nil
}

// hasCode reports whether there is an error code of that name.
func (s *schema) hasCode(name string) bool {
	return slices.ContainsFunc(s.codes(), func(c constant) bool { return snake(strings.TrimPrefix(c.name, "Code")) == name })
}

func (s *schema) resolveType(t *fieldType) error {
	if t.base == "bytes" || baseTypes[t.base] {
		return nil
	}
	t.message = s.byName[t.base]
	switch {
	case t.message == nil:
		return fmt.Errorf("a field cannot have the type %s", t.base)
	case !t.pointer && !t.slice:
		return fmt.Errorf("a nested message is held by pointer")
	}
	return nil
}

// reply is the reply message of a request.
func (s *schema) reply(m *message) *message {
	return s.byName[strings.TrimSuffix(m.name, "Request")+"Reply"]
}

// about are the messages whose fields a message's documentation may mention: itself, and its request if it is a reply.
func (s *schema) about(m *message) []*message {
	if q := s.byName[strings.TrimSuffix(m.name, "Reply")+"Request"]; q != nil && q != m {
		return []*message{m, q}
	}
	return []*message{m}
}

// requests are the messages that begin an operation.
func (s *schema) requests() []*message {
	var all []*message
	for _, m := range s.messages {
		if m.op != "" {
			all = append(all, m)
		}
	}
	return all
}

// codes are the error codes in the order of their numbers.
func (s *schema) codes() []constant {
	var out []constant
	for _, c := range s.consts {
		if strings.HasPrefix(c.name, "Code") && c.name != "CodeMax" {
			out = append(out, c)
		}
	}
	return out
}

// opName is the operation's name in Go: KVGet for KVGetRequest.
func (m *message) opName() string { return strings.TrimSuffix(m.name, "Request") }

// text is a comment's text without directives.
func text(c *ast.CommentGroup) string {
	if c == nil {
		return ""
	}
	return strings.TrimSpace(c.Text())
}
