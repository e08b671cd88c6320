package config

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what Load gives into the want sections of testdata")

// TestLoadCases runs every testdata/*.txtar: directives in the comment, files, and under "want" the configuration and
// problems that come out. Cases called *.good.txtar have no errors, cases called *.bad.txtar have.
func TestLoadCases(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, path := range cases {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(name, func(t *testing.T) { runCase(t, path, strings.HasSuffix(name, ".bad")) })
	}
}

func runCase(t *testing.T, path string, bad bool) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	want := &archive.Files[len(archive.Files)-1]
	if want.Name != "want" {
		t.Fatal(`the last file must be "want"`)
	}
	for _, f := range archive.Files[:len(archive.Files)-1] {
		writeFile(t, filepath.Join(dir, filepath.FromSlash(f.Name)), string(f.Data))
	}
	c, problems := Load(caseOptions(t, dir, string(archive.Comment)))
	if failed := problems.Err() != nil; failed != bad {
		t.Errorf("failed = %v, want %v", failed, bad)
	}
	got := strings.ReplaceAll(dump(c, problems), dir, "$DIR")
	if *update {
		want.Data = []byte(got)
		writeFile(t, path, string(txtar.Format(archive)))
		return
	}
	if got != string(want.Data) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want.Data)
	}
}

// caseOptions reads the directives of a case: "env staging", "kv TODO", "process NAME=VALUE", ...
func caseOptions(t *testing.T, dir, comment string) Options {
	opts := Options{Dir: dir, Sections: []string{"vars", "kv_namespaces"}}
	process := map[string]string{}
	for line := range strings.Lines(comment) {
		directive, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch directive {
		case "env":
			opts.Env = arg
		case "dir":
			opts.Dir = filepath.Join(dir, arg)
		case "config":
			opts.File = arg
		case "kv":
			opts.KV = append(opts.KV, arg)
		case "binding":
			opts.Vars = append(opts.Vars, arg)
		case "env-file":
			opts.EnvFiles = append(opts.EnvFiles, arg)
		case "process":
			name, value, _ := strings.Cut(arg, "=")
			process[name] = value
		case "git":
			branch, commit, _ := strings.Cut(arg, " ")
			opts.Git = func(string) (string, string) { return branch, commit }
		case "#", "":
		default:
			t.Fatalf("unknown directive %q", directive)
		}
	}
	opts.LookupEnv = func(name string) (string, bool) { v, ok := process[name]; return v, ok }
	opts.Environ = func() (list []string) {
		for name, value := range process {
			list = append(list, name+"="+value)
		}
		return list
	}
	return opts
}

// caseFile is one file of a case.
type caseFile struct {
	name string
	data []byte
}

func caseFiles(t testing.TB, path string) (files []caseFile) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		files = append(files, caseFile{f.Name, f.Data})
	}
	return files
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// dump writes down everything Load gave that is not a default.
func dump(c *Config, problems Problems) string {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	field("path", c.Path)
	field("name", c.Name)
	field("main", c.Main)
	field("pages", c.PagesOutputDir)
	field("date", c.CompatibilityDate)
	field("read", strings.Join(c.SecretFiles, " "))
	if c.Build.Command != "" {
		field("build", fmt.Sprintf("%q in %s, watching %s", c.Build.Command, c.Build.Dir, strings.Join(c.Build.Watch, " ")))
	}
	if c.Dev != (Dev{}) {
		field("dev", fmt.Sprintf("%q %d", c.Dev.IP, c.Dev.Port))
	}
	dumpPagesrun(&b, c.Pagesrun)
	for _, key := range []string{"vars", "kv_namespaces"} {
		dumpNode(&b, c.Key(key), c.Section(key))
	}
	for _, s := range c.Secrets {
		fmt.Fprintf(&b, "secret %s = %q (%s)\n", s.Name, s.Value, s.Pos)
	}
	for _, p := range problems {
		fmt.Fprintf(&b, "%s: %v\n", map[bool]string{true: "warning", false: "error"}[p.Warning], p)
	}
	return b.String()
}

func dumpPagesrun(b *strings.Builder, p Pagesrun) {
	usual := DefaultPagesrun()
	if p.Isolation != usual.Isolation || p.Durability != usual.Durability || p.Admin != usual.Admin {
		fmt.Fprintf(b, "pagesrun: isolation %s, durability %s, admin %q\n", p.Isolation, p.Durability, p.Admin)
	}
	for _, s := range Settings() {
		if got := *s.field(&p); got != s.Default {
			fmt.Fprintf(b, "%s.%s: %d\n", s.Table, s.Key, got)
		}
	}
}

func dumpNode(b *strings.Builder, path string, n *Node) {
	if n == nil {
		return
	}
	switch n.Kind {
	case KindArray:
		for i, item := range n.Items {
			dumpNode(b, fmt.Sprintf("%s[%d]", path, i), item)
		}
	case KindTable:
		for _, e := range n.Table {
			dumpNode(b, joinPath(path, e.Key), e.Value)
		}
	default:
		fmt.Fprintf(b, "%s = %s %s (%s)\n", path, n.Kind, scalar(n), n.Pos)
	}
}

func scalar(n *Node) string {
	switch n.Kind {
	case KindString, KindDate:
		return strconv.Quote(n.Str)
	case KindInteger:
		return strconv.FormatInt(n.Int, 10)
	case KindFloat:
		return strconv.FormatFloat(n.Float, 'g', -1, 64)
	case KindBool:
		return strconv.FormatBool(n.Bool)
	}
	return ""
}
