package config

import (
	"slices"
	"strings"
)

// Named is a binding's name with what it is bound to.
type Named struct {
	Name string
	// Kind is what messages call the kind of binding, such as "kv" or "KV Namespace".
	Kind string
	// Pos is where the name was given.
	Pos Pos
}

// CheckNames reports names that more than one binding has, whatever their kinds, and the name "ASSETS" in a Pages project, where it stands
// for the static files. A problem is placed at the last binding of that name.
func CheckNames(bindings []Named, pages bool) Problems {
	const advice = " Bindings must have unique names, because the name is all a function has to tell them apart."
	var problems Problems
	for _, group := range groupNames(bindings) {
		last := group[len(group)-1]
		switch kinds := distinctKinds(group); {
		case len(kinds) > 1:
			problems.Add(last.Pos, last.Name, "%s assigned to %s bindings."+advice, last.Name, conjunction(kinds))
		case len(group) > 1:
			problems.Add(last.Pos, last.Name, "%s assigned to multiple %s bindings."+advice, last.Name, kinds[0])
		}
		if pages && last.Name == "ASSETS" {
			for _, b := range group {
				problems.Add(b.Pos, b.Name, "The name 'ASSETS' is reserved in Pages projects. Please use a different name for your %s binding.", b.Kind)
			}
		}
	}
	return problems
}

// groupNames puts the bindings of one name together, in the order in which the names first appear.
func groupNames(bindings []Named) [][]Named {
	var groups [][]Named
	index := map[string]int{}
	for _, b := range bindings {
		i, known := index[b.Name]
		if !known {
			i = len(groups)
			index[b.Name] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], b)
	}
	return groups
}

func distinctKinds(group []Named) []string {
	var kinds []string
	for _, b := range group {
		if !slices.Contains(kinds, b.Kind) {
			kinds = append(kinds, b.Kind)
		}
	}
	return kinds
}

// conjunction joins words as a sentence does: "A and B", "A, B, and C".
func conjunction(words []string) string {
	last := len(words) - 1
	if last == 1 {
		return words[0] + " and " + words[1]
	}
	return strings.Join(words[:last], ", ") + ", and " + words[last]
}
