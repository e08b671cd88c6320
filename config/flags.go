package config

import (
	"slices"
	"strings"
)

// flags puts what the command line binds over what the file says.
func (l *loader) flags() {
	l.flagVars()
	l.flagIDs("--kv", "kv_namespaces", "id", l.opts.KV)
	l.flagIDs("--d1", "d1_databases", "database_id", l.opts.D1)
}

// flagVars puts --binding variables into "vars".
func (l *loader) flagVars() {
	const flag = "--binding"
	seen := map[string]bool{}
	for _, arg := range l.opts.Vars {
		name, value, ok := strings.Cut(arg, "=")
		switch {
		case !ok || name == "":
			l.problems.Add(Pos{File: flag}, "", "must be KEY=VALUE, not %q", arg)
			continue
		case seen[name]:
			l.problems.Add(Pos{File: flag}, "", "%s is given twice", name)
			continue
		}
		seen[name] = true
		n := &Node{Kind: KindString, Str: value, Pos: Pos{File: flag}}
		l.setVars(upsert(l.varEntries(), Entry{Key: name, Pos: n.Pos, Value: n}))
	}
}

// upsert replaces the entry of the same key or appends one. It changes a copy.
func upsert(entries []Entry, e Entry) []Entry {
	i := slices.IndexFunc(entries, func(old Entry) bool { return old.Key == e.Key })
	if i < 0 {
		return append(entries, e)
	}
	entries = slices.Clone(entries)
	entries[i] = e
	return entries
}

// flagIDs puts what a flag of the form NAME[=ID] binds into an array of bindings.
func (l *loader) flagIDs(flag, section, idKey string, args []string) {
	seen := map[string]bool{}
	for _, arg := range args {
		name, id, hasID := strings.Cut(arg, "=")
		switch {
		case name == "" || hasID && id == "":
			l.problems.Add(Pos{File: flag}, "", "must be NAME or NAME=ID, not %q", arg)
			continue
		case seen[name]:
			l.problems.Add(Pos{File: flag}, "", "%s is given twice", name)
			continue
		}
		seen[name] = true
		if !hasID {
			id = name
		}
		l.setEntry(section, name, flagEntry(Pos{File: flag}, "binding", name, idKey, id))
	}
}

// flagEntry makes a table of strings given as key, value, key, value.
func flagEntry(pos Pos, pairs ...string) *Node {
	n := &Node{Kind: KindTable, Pos: pos}
	for i := 0; i < len(pairs); i += 2 {
		value := &Node{Kind: KindString, Str: pairs[i+1], Pos: pos}
		n.Table = append(n.Table, Entry{Key: pairs[i], Pos: pos, Value: value})
	}
	return n
}

// setEntry puts an entry into an array of bindings, in the place of the one bound to the same name if there is one. A section that is
// no array stays as it is for its binding to report.
func (l *loader) setEntry(section, name string, entry *Node) {
	array := &Node{Kind: KindArray, Pos: entry.Pos}
	if old := l.cfg.Section(section); old != nil {
		if old.Kind != KindArray {
			return
		}
		array.Pos, array.Items = old.Pos, slices.Clone(old.Items)
	}
	i := slices.IndexFunc(array.Items, func(n *Node) bool {
		bound := n.Get("binding")
		return bound != nil && bound.Kind == KindString && bound.Str == name
	})
	if i < 0 {
		array.Items = append(array.Items, entry)
	} else {
		array.Items[i] = entry
	}
	l.cfg.sections[section] = array
}
