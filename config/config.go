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
	// RequiredSecrets are the names under secrets.required, whether they have a value or not.
	RequiredSecrets []string
	// SecretFiles are the variables files that were read, in the order read.
	SecretFiles []string
	// Build is the table "build".
	Build Build
	// Dev is the table "dev".
	Dev Dev
	// Pagesrun is the table "pagesrun", with the defaults filled in.
	Pagesrun Pagesrun

	sections map[string]*Node
	keys     map[string]string
}

// Dev is where the file wants the application served; flags win over it.
type Dev struct {
	// IP is the address or host name, empty when not given.
	IP string
	// Port is 1 to 65535, 0 when not given.
	Port int
}

// Secret is one variable from a .dev.vars or .env file, or from the process environment.
type Secret struct {
	Name  string
	Value string
	// Pos has Line 0 and the File "process environment" for variables from there.
	Pos Pos
}

// IsPages says whether this is a Pages project: its file has pages_build_output_dir.
func (c *Config) IsPages() bool { return c.PagesOutputDir != "" }

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
