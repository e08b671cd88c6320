package config

// Config is one application's configuration: the file with its environment chosen, the secret files and the flags, checked.
type Config struct {
	// Path is the configuration file, empty when there is none.
	Path string
	// Dir is the directory relative paths are resolved against: the file's, or the working directory.
	Dir string
	// Env is the chosen environment, empty for the top level.
	Env string
	// Name is the application's name.
	Name string
	// Main is the wasm module named by "main", resolved against Dir; empty when the file names none.
	Main string
	// CompatibilityDate is the date as written, or empty.
	CompatibilityDate string
	// PagesOutputDir is pages_build_output_dir, resolved against Dir; empty unless this is a Pages project.
	PagesOutputDir string
	// Secrets are the variables from .dev.vars or .env files in the order of their names.
	Secrets []Secret

	sections map[string]*Node
	keys     map[string]string
}

// Secret is one variable from a .dev.vars or .env file.
type Secret struct {
	Name  string
	Value string
	Pos   Pos
}

// Section gives the value of a top-level key of the chosen environment (inheritance applied, flags merged in), such as
// "kv_namespaces", "vars" or "pagesrun". Nil when it is absent.
func (c *Config) Section(key string) *Node { return c.sections[key] }

// Key gives the dotted path of a top-level key as the file has it: "env.staging.kv_namespaces" where the chosen environment sets it
// itself, "kv_namespaces" otherwise. It is what problems are named with.
func (c *Config) Key(key string) string {
	if path, ok := c.keys[key]; ok {
		return path
	}
	return key
}
