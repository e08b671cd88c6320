// Package echo is the binding of a test: it gives back what it is told.
package echo

import (
	"context"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// New makes the binding.
func New() hostfuncs.Binding { return binding{} }

type binding struct{}

// Kind is the binding's name.
func (binding) Kind() string { return "echo" }

// Sections are the configuration keys the binding decodes.
func (binding) Sections() []string { return []string{"echoes"} }

// echo is one entry of echoes.
type echo struct {
	binding, words string
	pos            config.Pos
}

// BindingName is the name guests use.
func (e *echo) BindingName() string { return e.binding }

// Position is where the entry was written.
func (e *echo) Position() config.Pos { return e.pos }

// Describe shows the echo's words.
func (e *echo) Describe() string { return e.words }

// Decode reads the entries.
func (binding) Decode(c *config.Config) (found []hostfuncs.Resource, problems config.Problems) {
	config.EachTable(c.Section("echoes"), c.Key("echoes"), &problems, func(t *config.Table) {
		found = append(found, &echo{binding: t.String("binding", config.Required), words: t.String("words", config.Optional), pos: t.Pos()})
		t.RejectUnknown()
	})
	return found, problems
}

// live are the echoes by their names.
type live map[string]*echo

// Open makes the echoes callable.
func (binding) Open(_ context.Context, _ hostfuncs.Host, resources []hostfuncs.Resource) (hostfuncs.Live, error) {
	l := live{}
	for _, r := range resources {
		l[r.BindingName()] = r.(*echo)
	}
	return l, nil
}

// Operations are what guests can ask for.
func (l live) Operations() []hostfuncs.Operation {
	return []hostfuncs.Operation{hostfuncs.Op(abi.OpEchoSay, l.say)}
}

func (l live) say(_ context.Context, call *hostfuncs.Call, q *abi.EchoSayRequest) (r abi.EchoSayReply, err error) {
	if q.Text == "" {
		return r, &abi.Error{Code: abi.CodeInvalidArgument, Message: "Nothing was said."}
	}
	r.Text = l[call.Target].words + strings.Repeat(q.Text, max(1, int(q.Times)))
	return r, nil
}

// Close has nothing to release.
func (live) Close(context.Context) error { return nil }
