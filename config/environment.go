package config

import (
	"encoding/json"
	"regexp"
	"slices"
)

// file is a parsed configuration file with one environment chosen.
type file struct {
	keys *keyTable
	root *Node
	// env is the chosen environment's name, empty for the top level.
	env string
	// envNode is its table; nil when env is empty or falls back to the top level.
	envNode *Node
	// fallback says that the chosen environment does not exist and behaves like the top level.
	fallback bool
	problems *Problems
}

// namePattern is what wrangler accepts as a Worker's name.
var namePattern = regexp.MustCompile(`^[a-z0-9_][a-z0-9-_]*$`)

// envPath is the dotted path of the chosen environment's table.
func (f *file) envPath() string { return "env." + f.env }

// isPages says whether the file configures a Pages project.
func (f *file) isPages() bool { return present(f.root.Get("pages_build_output_dir")) != nil }

// choose finds the environment's table, or reports that there is none.
func (f *file) choose() {
	if f.env == "" {
		return
	}
	all := f.root.Get("env")
	f.envNode = all.Get(f.env)
	if f.envNode != nil && f.envNode.Kind != KindTable {
		f.problems.Add(f.envNode.Pos, f.envPath(), "must be a table, not %s", f.envNode.Kind.article())
		f.envNode = nil
		return
	}
	if f.envNode != nil {
		return
	}
	f.fallback = true
	if f.isPages() && slices.Contains(pagesEnvironments, f.env) {
		return
	}
	f.noEnvironment(all)
}

// noEnvironment reports a chosen environment that the file does not have: an error where it has others, a warning where it has none.
func (f *file) noEnvironment(all *Node) {
	const message = "No environment found in configuration with name %q."
	pos := Pos{File: f.root.Pos.File}
	if all == nil || len(all.Table) == 0 {
		f.problems.Warn(pos, "", message+" The file has no environments, so its top level is used.", f.env)
		return
	}
	names := make([]string, len(all.Table))
	for i, e := range all.Table {
		names[i] = e.Key
	}
	list, _ := json.Marshal(names)
	f.problems.Add(all.Pos, "env", message+" The available configured environment names are: %s", f.env, list)
}

// sections gives the effective value of every known key, and the path each one has in the file.
func (f *file) sections() (values map[string]*Node, paths map[string]string) {
	values, paths = map[string]*Node{}, map[string]string{}
	for i := range f.keys.rules {
		r := &f.keys.rules[i]
		value, path := f.effective(r)
		if value == nil {
			continue
		}
		if r.support == supported && len(r.kinds) > 0 && !slices.Contains(r.kinds, value.Kind) {
			f.problems.Add(value.Pos, path, "must be %s, not %s", kindList(r.kinds), value.Kind.article())
			continue
		}
		values[r.name], paths[r.name] = value, path
	}
	f.checkPresent()
	return values, paths
}

// effective gives a key's value for the chosen environment, nil when it has none, and where in the file it stands. Null counts as absent.
func (f *file) effective(r *keyRule) (value *Node, path string) {
	top, own := present(f.root.Get(r.name)), present(f.envNode.Get(r.name))
	switch {
	case own != nil && r.scope != topOnly:
		f.missingVars(r, top, own)
		return own, joinPath(f.envPath(), r.name)
	case f.envNode == nil || r.scope != separate:
		return top, r.name
	case top != nil:
		f.notInherited(top.Pos, r.name, f.envPath())
	}
	return nil, ""
}

// present is the node, or nil for null.
func present(n *Node) *Node {
	if n != nil && n.Kind == KindNull {
		return nil
	}
	return n
}

// missingVars warns of each variable of the top level that the environment's own variables lack.
func (f *file) missingVars(r *keyRule, top, own *Node) {
	if r.name != "vars" || top == nil {
		return
	}
	there := map[string]bool{}
	for _, e := range own.Table {
		there[e.Key] = true
	}
	for _, e := range top.Table {
		if !there[e.Key] {
			f.notInherited(e.Pos, "vars."+e.Key, f.envPath()+".vars")
		}
	}
}

func (f *file) notInherited(pos Pos, key, where string) {
	f.problems.Warn(pos, key, "%q exists at the top level, but not on %q. Environments do not inherit it: add it there if the function needs it.", key, where)
}

// checkPresent names every key of the top level and of the chosen environment that is unknown, misplaced or without effect.
func (f *file) checkPresent() {
	names := f.keys.names()
	for _, e := range f.root.Table {
		r := f.keys.byName[e.Key]
		if r == nil {
			f.problems.Warn(e.Pos, e.Key, "%s", unexpected("", e.Key, names))
			continue
		}
		overruled := f.envNode != nil && (r.scope == separate || f.envNode.Get(e.Key) != nil && r.scope == inheritable)
		if !overruled {
			f.warnUnsupported(r, e, e.Key)
		}
	}
	if f.envNode == nil {
		return
	}
	for _, e := range f.envNode.Table {
		path := joinPath(f.envPath(), e.Key)
		switch r := f.keys.byName[e.Key]; {
		case r == nil:
			f.problems.Warn(e.Pos, path, "%s", unexpected(f.envPath(), e.Key, names))
		case r.scope == topOnly:
			f.problems.Warn(e.Pos, path, "%s. It belongs at the top level and has no effect here", unexpected(f.envPath(), e.Key, nil))
		default:
			f.warnUnsupported(r, e, path)
		}
	}
}

func (f *file) warnUnsupported(r *keyRule, e Entry, path string) {
	if message := r.unsupportedMessage(); message != "" && present(e.Value) != nil {
		f.problems.Warn(e.Pos, path, "%s", message)
	}
}

// applicationName gives the name, with the environment's name after it where the environment does not set its own.
func (f *file) applicationName(name *Node, path string) string {
	if name == nil {
		return ""
	}
	if !namePattern.MatchString(name.Str) {
		f.problems.Add(name.Pos, path, "%q is no valid name: use lower-case letters, digits, \"-\" and \"_\", not starting with \"-\"", name.Str)
	}
	if f.envNode != nil && path == "name" {
		return name.Str + "-" + f.env
	}
	return name.Str
}
