package config

import "path/filepath"

// Build is the table "build": how the module that "main" names is made. The keys and their defaults are those of wrangler's custom builds:
// https://developers.cloudflare.com/workers/wrangler/custom-builds/
type Build struct {
	// Command is for the shell, empty when nothing is built.
	Command string
	// Dir is where Command runs: "cwd" resolved against the file's directory, or that directory. (Wrangler resolves it against its own working
	// directory, which is the same for all who start it beside the file.)
	Dir string
	// Watch are the directories and files after whose changes Command runs again, resolved against the file's directory: "watch_dir", by
	// default "src". Nil without a Command.
	Watch []string
}

// build reads the table "build".
func (l *loader) build() Build {
	t := NewTable(l.cfg.Section("build"), l.cfg.Key("build"), &l.problems)
	b := Build{Command: t.String("command", Optional), Dir: resolve(l.cfg.Dir, filepath.FromSlash(t.String("cwd", Optional)))}
	watch := l.watchDirs(t)
	if b.Command != "" {
		b.Watch = watch
	}
	t.WarnUnknown()
	return b
}

// watchDirs reads "watch_dir", which is one path or several.
func (l *loader) watchDirs(t *Table) []string {
	dirs := []string{"./src"}
	switch n := t.Node("watch_dir"); {
	case n == nil:
	case n.Kind == KindString:
		dirs = []string{n.Str}
	default:
		dirs = t.Strings("watch_dir")
	}
	for i, dir := range dirs {
		dirs[i] = resolve(l.cfg.Dir, filepath.FromSlash(dir))
	}
	return dirs
}
