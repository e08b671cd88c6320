package vars

import (
	"context"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

const (
	// Kind is the binding's name.
	Kind = "vars"
	// Section is the key of the configuration that this binding decodes.
	Section = "vars"
	// CountMax is the most variables an application may have, its secrets counted.
	CountMax = 128
	// BytesMax is the longest value, in bytes; of a variable that is not a string, in bytes of its JSON form.
	BytesMax = 5 << 10
)

// New makes the binding.
func New() hostfuncs.Binding { return binding{} }

type binding struct{}

// Kind is the binding's name.
func (binding) Kind() string { return Kind }

// Sections are the configuration keys the binding decodes.
func (binding) Sections() []string { return []string{Section} }

// variable is one entry of the table.
type variable struct {
	name  string
	pos   config.Pos
	value abi.VarsGetReply
}

// BindingName is the variable's name.
func (v *variable) BindingName() string { return v.name }

// Position is where the variable was written.
func (v *variable) Position() config.Pos { return v.pos }

// Describe shows the value, or the beginning of a long one.
func (v *variable) Describe() string { return brief(v.value) }

// Environ is the value as an environment variable: text as it is, anything else as JSON.
func (v *variable) Environ() string { return v.value.Value }

// brief gives a value in at most a few words.
func brief(v abi.VarsGetReply) string {
	const longest = 40
	text := []rune(v.Value)
	if len(text) > longest {
		text = append(text[:longest], '…')
	}
	if v.IsJSON {
		return string(text)
	}
	return quote(string(text))
}

// Decode reads the table.
func (binding) Decode(c *config.Config) ([]hostfuncs.Resource, config.Problems) {
	var problems config.Problems
	table := c.Section(Section)
	if table == nil {
		return nil, nil
	}
	if table.Kind != config.KindTable {
		problems.Add(table.Pos, c.Key(Section), "must be a table, not %s", table.Kind)
		return nil, problems
	}
	resources := make([]hostfuncs.Resource, 0, len(table.Table))
	for _, e := range table.Table {
		v := &variable{name: e.Key, pos: e.Pos}
		v.value = decodeValue(e.Value, c.Key(Section)+"."+e.Key, &problems)
		if n := len(e.Key); n > abi.TargetBytesMax {
			problems.Add(e.Pos, c.Key(Section), "a name must have at most %d bytes, not %d", abi.TargetBytesMax, n)
		}
		resources = append(resources, v)
	}
	if n := len(table.Table) + len(c.Secrets); n > CountMax {
		problems.Add(table.Pos, c.Key(Section), "at most %d variables are allowed, secrets counted, and there are %d", CountMax, n)
	}
	return resources, problems
}

// decodeValue gives a variable as guests get it.
func decodeValue(n *config.Node, key string, problems *config.Problems) abi.VarsGetReply {
	v := abi.VarsGetReply{Value: n.Str}
	if n.Kind != config.KindString {
		text, err := appendJSON(nil, n)
		if err != nil {
			problems.Add(n.Pos, key, "%s", err)
		}
		v = abi.VarsGetReply{Value: string(text), IsJSON: true}
	}
	if len(v.Value) > BytesMax {
		problems.Add(n.Pos, key, "must have at most %d bytes, not %d", BytesMax, len(v.Value))
	}
	return v
}

// live answers for the variables of one application.
type live struct{ values map[string]abi.VarsGetReply }

// Open makes the variables readable.
func (binding) Open(_ context.Context, _ hostfuncs.Host, resources []hostfuncs.Resource) (hostfuncs.Live, error) {
	l := &live{values: make(map[string]abi.VarsGetReply, len(resources))}
	for _, r := range resources {
		v := r.(*variable)
		l.values[v.name] = v.value
	}
	return l, nil
}

// Operations are what guests can ask for.
func (l *live) Operations() []hostfuncs.Operation {
	return []hostfuncs.Operation{hostfuncs.Op(abi.OpVarsGet, l.get)}
}

func (l *live) get(_ context.Context, call *hostfuncs.Call, _ *abi.VarsGetRequest) (abi.VarsGetReply, error) {
	v, ok := l.values[call.Target]
	if !ok {
		return v, &abi.Error{Code: abi.CodeNotConfigured, Message: "no such variable"}
	}
	return v, nil
}

// Close has nothing to release.
func (*live) Close(context.Context) error { return nil }
