package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"net"
	"path/filepath"
	"regexp"
	"time"
)

// Options says what to load. The zero value loads the wrangler file of the current directory, if there is one.
type Options struct {
	// File is the configuration file, as given to --config; it must exist. When empty, wrangler.json, wrangler.jsonc and wrangler.toml are
	// looked for in Dir and all directories above it, each name up to the root before the next one, and finding none is fine.
	File string
	// Dir is the working directory; empty for the process's.
	Dir string
	// Env is the environment, as given to --env; when empty, CLOUDFLARE_ENV of LookupEnv.
	Env string
	// KV are --kv flags: NAME or NAME=ID.
	KV []string
	// D1 are --d1 flags: NAME or NAME=ID.
	D1 []string
	// Vars are --binding flags: KEY=VALUE, where the value may contain "=" and is always text.
	Vars []string
	// EnvFiles are --env-file flags: variables files read instead of .dev.vars and .env, resolved against the configuration's directory.
	EnvFiles []string
	// Sections are the top-level keys that bindings decode, such as "vars" and "kv_namespaces". A binding's key that is not
	// among them is named in a warning.
	Sections []string
	// LookupEnv finds a variable of the process environment; nil for an empty one.
	LookupEnv func(name string) (value string, ok bool)
	// Environ lists the process environment as NAME=VALUE, for CLOUDFLARE_INCLUDE_PROCESS_ENV; nil for an empty one.
	Environ func() []string
	// Git gives the branch and commit checked out in a directory, for the variables of a Pages project; nil for none. [GitHead] is one.
	Git func(dir string) (branch, commit string)
}

// Load reads the configuration and checks everything but what bindings decode. It reports all problems at once; when
// [Problems.Err] is not nil the configuration must not be used, but may be decoded further to find more problems. It is
// never nil. A Pages project is checked by the rules that Cloudflare applies when one is deployed.
func Load(opts Options) (*Config, Problems) {
	if opts.LookupEnv == nil {
		opts.LookupEnv = func(string) (string, bool) { return "", false }
	}
	if opts.Dir == "" {
		opts.Dir = "."
	}
	l := loader{opts: opts, cfg: &Config{Dir: opts.Dir}}
	l.cfg.Env = opts.Env
	if l.cfg.Env == "" {
		l.cfg.Env, _ = opts.LookupEnv("CLOUDFLARE_ENV")
	}
	l.read()
	l.flags()
	l.pagesrun()
	l.secrets()
	l.problems.Sort()
	return l.cfg, l.problems
}

// loader is one call of [Load].
type loader struct {
	opts     Options
	cfg      *Config
	problems Problems
}

// read finds and parses the file and takes from it what it says for the chosen environment.
func (l *loader) read() {
	f := &file{keys: newKeyTable(l.opts.Sections), env: l.cfg.Env, problems: &l.problems}
	f.root = l.parse()
	if f.root == nil {
		l.cfg.sections = map[string]*Node{}
		if l.cfg.Path == "" && l.cfg.Env != "" {
			l.problems.Warn(Pos{}, "", "No environment found in configuration with name %q. There is no configuration file.", l.cfg.Env)
		}
		return
	}
	f.choose()
	if f.isPages() {
		f.checkPages()
	}
	l.cfg.sections, l.cfg.keys = f.sections()
	l.fill(f)
}

// parse gives the root of the configuration file; nil when there is none, or none that can be used.
func (l *loader) parse() *Node {
	path, name, err := l.locate()
	if err != nil {
		l.problems.Add(Pos{}, "", "%v", err)
	}
	if path == "" {
		return nil
	}
	l.cfg.Path, l.cfg.Dir = name, filepath.Dir(path)
	data, ok, err := readText(path, name, &l.problems)
	if errors.Is(err, fs.ErrNotExist) {
		l.problems.Add(Pos{File: name}, "", "the configuration file does not exist")
	}
	if !ok {
		return nil
	}
	root := parseFile(name, data, &l.problems)
	if root != nil && root.Kind != KindTable {
		l.problems.Add(root.Pos, "", "the file must hold a table, not %s", root.Kind.article())
		return nil
	}
	return root
}

// locate gives the path of the configuration file and what to call it; empty when there is none.
func (l *loader) locate() (path, name string, err error) {
	if file := l.opts.File; file != "" {
		return resolve(l.opts.Dir, file), file, nil
	}
	path, err = findFile(l.opts.Dir)
	if path == "" {
		return "", "", err
	}
	return path, displayPath(l.opts.Dir, path), nil
}

// resolve gives path as seen from dir.
func resolve(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// fill sets the configuration's own fields from the effective values.
func (l *loader) fill(f *file) {
	c := l.cfg
	c.Name = f.applicationName(c.Section("name"), c.Key("name"))
	c.Main = l.path("main")
	c.PagesOutputDir = l.path("pages_build_output_dir")
	c.CompatibilityDate = l.compatibilityDate()
	c.Build = l.build()
	c.Dev = l.dev()
	l.checkVars()
	if c.IsPages() {
		l.addPagesVars()
	}
}

// path gives the value of a key as a path resolved against the file's directory; empty when the key is absent.
func (l *loader) path(key string) string {
	n := l.cfg.Section(key)
	switch {
	case n == nil:
		return ""
	case n.Str == "":
		l.problems.Add(n.Pos, l.cfg.Key(key), "must not be empty")
		return ""
	}
	return resolve(l.cfg.Dir, filepath.FromSlash(n.Str))
}

func (l *loader) compatibilityDate() string {
	n := l.cfg.Section("compatibility_date")
	if n == nil {
		return ""
	}
	if _, err := time.Parse(time.DateOnly, n.Str); err != nil {
		l.problems.Add(n.Pos, l.cfg.Key("compatibility_date"), "must be a date such as \"2026-04-01\", not %q", n.Str)
	}
	return n.Str
}

// hostPattern accepts what can be a host name; addresses are checked as such.
var hostPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)

// dev reads the table "dev", of which only the address means something here.
func (l *loader) dev() Dev {
	t := NewTable(l.cfg.Section("dev"), "dev", &l.problems)
	dev := Dev{IP: t.String("ip", Optional), Port: int(t.Int("port", 0, 1, 65535))}
	if dev.IP != "" && dev.IP != "*" && net.ParseIP(dev.IP) == nil && !hostPattern.MatchString(dev.IP) {
		t.Fail("ip", "must be an IP address or a host name, not %q", dev.IP)
	}
	for _, key := range []string{"inspector_ip", "inspector_port", "local_protocol", "upstream_protocol", "host", "enable_containers", "container_engine", "generate_types"} {
		if t.Has(key) {
			t.Warn(key, "has no effect: it is for wrangler's development server")
		}
	}
	t.WarnUnknown()
	return dev
}

// checkVars refuses variables that have no counterpart in JSON, which is what functions get.
func (l *loader) checkVars() {
	vars := l.cfg.Section("vars")
	if vars == nil {
		return
	}
	if vars.Kind != KindTable {
		l.problems.Add(vars.Pos, l.cfg.Key("vars"), "must be a table, not %s", vars.Kind.article())
		delete(l.cfg.sections, "vars")
		return
	}
	l.checkJSON(vars, l.cfg.Key("vars"))
}

func (l *loader) checkJSON(n *Node, path string) {
	switch {
	case n.Kind == KindDate:
		l.problems.Add(n.Pos, path, "is a date, which a variable cannot be: write it in quotes")
	case n.Kind == KindFloat && (math.IsNaN(n.Float) || math.IsInf(n.Float, 0)):
		l.problems.Add(n.Pos, path, "is no finite number, which a variable must be")
	}
	for i, item := range n.Items {
		l.checkJSON(item, fmt.Sprintf("%s[%d]", path, i))
	}
	for _, e := range n.Table {
		l.checkJSON(e.Value, joinPath(path, e.Key))
	}
}

// addPagesVars adds the variables of a Pages project that nothing else of the file is named like.
func (l *loader) addPagesVars() {
	var branch, commit string
	if l.opts.Git != nil {
		branch, commit = l.opts.Git(l.cfg.Dir)
	}
	taken := maps.Clone(l.bindingNames())
	for _, e := range l.varEntries() {
		taken[e.Key] = e.Pos
	}
	for _, e := range pagesVars(l.cfg.Name, branch, commit, l.cfg.Section("pages_build_output_dir").Pos) {
		if _, there := taken[e.Key]; !there {
			l.setVars(append(l.varEntries(), e))
		}
	}
}

// varEntries gives the variables so far.
func (l *loader) varEntries() []Entry {
	if vars := l.cfg.Section("vars"); vars != nil {
		return vars.Table[:len(vars.Table):len(vars.Table)]
	}
	return nil
}

// setVars replaces the variables, leaving the file's tree as it is.
func (l *loader) setVars(entries []Entry) {
	vars := &Node{Kind: KindTable}
	if old := l.cfg.Section("vars"); old != nil {
		vars.Pos = old.Pos
	}
	vars.Table = entries
	l.cfg.sections["vars"] = vars
}

// bindingNames gives the names that entries of the supported sections other than vars bind, and where. Wrangler names them under "binding" or
// "name", in an array, in a single table, or in an array one level down.
func (l *loader) bindingNames() map[string]Pos {
	names := map[string]Pos{}
	for _, section := range l.opts.Sections {
		if section != "vars" {
			collectNames(l.cfg.Section(section), names)
		}
	}
	return names
}

func collectNames(section *Node, names map[string]Pos) {
	if section == nil {
		return
	}
	entryName(section, names)
	for _, item := range section.Items {
		entryName(item, names)
	}
	for _, e := range section.Table {
		for _, item := range e.Value.Items {
			entryName(item, names)
		}
	}
}

func entryName(entry *Node, names map[string]Pos) {
	for _, key := range []string{"binding", "name"} {
		if n := entry.Get(key); n != nil && n.Kind == KindString {
			names[n.Str] = n.Pos
			return
		}
	}
}
