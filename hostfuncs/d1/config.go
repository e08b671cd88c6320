package d1

import (
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// Section is the key of the configuration that this binding decodes.
const Section = "d1_databases"

// What the platform's tool takes where the configuration says nothing.
const (
	// DefaultMigrationsTable is the table that records the migrations that were applied.
	DefaultMigrationsTable = "d1_migrations"
	// DefaultMigrationsDir is the directory of the migrations, relative to the configuration file.
	DefaultMigrationsDir = "migrations"
)

// Resource is one entry of d1_databases.
type Resource struct {
	// Binding is the name guests use.
	Binding string
	// ID is the id of the database on this machine: preview_database_id, else database_id, else the binding's name.
	ID string
	// Name is database_name, which commands accept beside the binding's name; may be empty.
	Name string
	// MigrationsTable is the table that records applied migrations, for "pagesrun d1 migrations".
	MigrationsTable string
	// MigrationsDir is the directory of the migrations as it was written, relative to the configuration file.
	MigrationsDir string
	// Pos is where the entry was written.
	Pos config.Pos
}

// BindingName is the name guests use.
func (r *Resource) BindingName() string { return r.Binding }

// Position is where the entry was written.
func (r *Resource) Position() config.Pos { return r.Pos }

// Describe names the database in the table shown at start.
func (r *Resource) Describe() string { return "id " + r.ID }

// Databases reads d1_databases.
func Databases(c *config.Config) ([]*Resource, config.Problems) {
	var problems config.Problems
	var list []*Resource
	config.EachTable(c.Section(Section), c.Key(Section), &problems, func(t *config.Table) {
		list = append(list, decodeDatabase(t))
	})
	return list, problems
}

func decodeDatabase(t *config.Table) *Resource {
	r := &Resource{Binding: t.String("binding", config.Required), Pos: t.Pos(), Name: t.String("database_name", config.Optional)}
	if len(r.Binding) > abi.TargetBytesMax {
		t.Fail("binding", "must have at most %d bytes, not %d", abi.TargetBytesMax, len(r.Binding))
	}
	r.ID = r.Binding
	for _, key := range []string{"database_id", "preview_database_id"} {
		if id := nonEmpty(t, key, ""); id != "" {
			r.ID = id
		}
	}
	r.MigrationsTable = nonEmpty(t, "migrations_table", DefaultMigrationsTable)
	r.MigrationsDir = nonEmpty(t, "migrations_dir", DefaultMigrationsDir)
	if t.Bool("remote", false) {
		t.Warn("remote", "is not supported: pagesrun keeps all data on this machine")
	}
	t.RejectUnknown()
	return r
}

// nonEmpty reads a string that may be missing but not empty.
func nonEmpty(t *config.Table, key, fallback string) string {
	v := t.String(key, config.Optional)
	if v != "" {
		return v
	}
	if t.Has(key) {
		t.Fail(key, "must not be empty")
	}
	return fallback
}

// Decode reads d1_databases as resources.
func (*binding) Decode(c *config.Config) ([]hostfuncs.Resource, config.Problems) {
	list, problems := Databases(c)
	resources := make([]hostfuncs.Resource, len(list))
	for i, r := range list {
		resources[i] = r
	}
	return resources, problems
}
