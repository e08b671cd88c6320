package kv

import (
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// Section is the key of the configuration that this binding decodes.
const Section = "kv_namespaces"

// Resource is one entry of kv_namespaces.
type Resource struct {
	// Binding is the name guests use.
	Binding string
	// ID is the id of the namespace on this machine: preview_id, else id, else the binding's name.
	ID string
	// Pos is where the entry was written.
	Pos config.Pos
}

// BindingName is the name guests use.
func (r *Resource) BindingName() string { return r.Binding }

// Position is where the entry was written.
func (r *Resource) Position() config.Pos { return r.Pos }

// Describe names the namespace in the table shown at start.
func (r *Resource) Describe() string { return "id " + r.ID }

// Namespaces reads kv_namespaces.
func Namespaces(c *config.Config) ([]*Resource, config.Problems) {
	var problems config.Problems
	var list []*Resource
	config.EachTable(c.Section(Section), c.Key(Section), &problems, func(t *config.Table) {
		list = append(list, decodeNamespace(t))
	})
	return list, problems
}

func decodeNamespace(t *config.Table) *Resource {
	r := &Resource{Binding: t.String("binding", config.Required), Pos: t.Pos()}
	if len(r.Binding) > abi.TargetBytesMax {
		t.Fail("binding", "must have at most %d bytes, not %d", abi.TargetBytesMax, len(r.Binding))
	}
	r.ID = r.Binding
	for _, key := range []string{"id", "preview_id"} {
		id := t.String(key, config.Optional)
		if t.Has(key) && id == "" {
			t.Fail(key, "must not be empty")
		}
		if id != "" {
			r.ID = id
		}
	}
	if t.Bool("remote", false) {
		t.Warn("remote", "is not supported: pagesrun keeps all data on this machine")
	}
	t.RejectUnknown()
	return r
}

// Decode reads kv_namespaces as resources.
func (*binding) Decode(c *config.Config) ([]hostfuncs.Resource, config.Problems) {
	list, problems := Namespaces(c)
	resources := make([]hostfuncs.Resource, len(list))
	for i, r := range list {
		resources[i] = r
	}
	return resources, problems
}
