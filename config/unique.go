package config

import (
	"slices"
	"strings"
)

// BindingUse is a binding's name with what it is bound to.
type BindingUse struct {
	Name string
	// Kind is what messages call the kind of binding, such as "kv".
	Kind string
	// Pos is where the name was given.
	Pos Pos
}

// CheckBindings reports names that more than one binding has, whatever their kinds, at the last binding of that name. In a Pages project it
// refuses the name "ASSETS", which stands for the static files there.
func (c *Config) CheckBindings(uses []BindingUse) Problems {
	problems := checkUnique(uses)
	if !c.IsPages() {
		return problems
	}
	for _, u := range uses {
		if u.Name == "ASSETS" {
			problems.Add(u.Pos, u.Name, "The name 'ASSETS' is reserved in Pages projects. Please use a different name for your %s binding.", u.Kind)
		}
	}
	return problems
}

// checkUnique reports names that more than one binding has, whatever their kinds. A problem is placed at the last binding
// of that name.
func checkUnique(uses []BindingUse) Problems {
	const advice = " Bindings must have unique names, because the name is all a function has to tell them apart."
	var problems Problems
	for _, group := range groupByName(uses) {
		last := group[len(group)-1]
		switch kinds := distinctKinds(group); {
		case len(kinds) > 1:
			problems.Add(last.Pos, last.Name, "%s assigned to %s bindings."+advice, last.Name, conjunction(kinds))
		case len(group) > 1:
			problems.Add(last.Pos, last.Name, "%s assigned to multiple %s bindings."+advice, last.Name, kinds[0])
		}
	}
	return problems
}

// groupByName puts the bindings of one name together, in the order in which the names first appear.
func groupByName(uses []BindingUse) [][]BindingUse {
	var groups [][]BindingUse
	index := map[string]int{}
	for _, u := range uses {
		i, known := index[u.Name]
		if !known {
			i = len(groups)
			index[u.Name] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], u)
	}
	return groups
}

func distinctKinds(group []BindingUse) []string {
	var kinds []string
	for _, u := range group {
		if !slices.Contains(kinds, u.Kind) {
			kinds = append(kinds, u.Kind)
		}
	}
	return kinds
}

// conjunction joins two or more words as a sentence does: "A and B", "A, B, and C".
func conjunction(words []string) string {
	last := len(words) - 1
	if last == 1 {
		return words[0] + " and " + words[1]
	}
	return strings.Join(words[:last], ", ") + ", and " + words[last]
}
