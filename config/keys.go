package config

import (
	"slices"
	"strings"
)

// scope says where a key may stand and whether an environment takes it over from the top level.
type scope int

const (
	// inheritable keys count in every environment that does not set its own.
	inheritable scope = iota
	// separate keys must be repeated in each environment.
	separate
	// topOnly keys describe the whole file.
	topOnly
)

// support says what pagesrun does with a key.
type support int

const (
	// supported keys are read by this package.
	supported support = iota
	// bySection keys are bindings and triggers: supported when they are among [Options.Sections].
	bySection
	// elsewhere keys steer bundling of JavaScript, uploads to Cloudflare or its network.
	elsewhere
)

// keyRule is what is known of one key of wrangler's file.
type keyRule struct {
	name    string
	scope   scope
	support support
	// kinds are the kinds of value it may have, checked for supported keys only; none for any.
	kinds []Kind
	// pages says that a Pages project may have it.
	pages bool
}

// keyRules are all keys of wrangler's file and pagesrun's own table.
func keyRules() []keyRule {
	return slices.Concat(readKeys(), bindingKeys(), elsewhereKeys())
}

// readKeys are the keys this package reads itself.
func readKeys() []keyRule {
	text, table := []Kind{KindString}, []Kind{KindTable}
	return []keyRule{
		{"$schema", topOnly, supported, nil, true},
		{"env", topOnly, supported, table, true},
		{"pages_build_output_dir", topOnly, supported, text, true},
		{"dev", topOnly, supported, table, true},
		{"name", inheritable, supported, text, true},
		{"main", inheritable, supported, text, true},
		{"compatibility_date", inheritable, supported, text, true},
		{"build", inheritable, supported, table, false},
		{"limits", inheritable, supported, table, true},
		{"pagesrun", inheritable, supported, table, true},
		{"secrets", separate, supported, table, false},
	}
}

// bindingKeys are the sections of bindings and triggers.
func bindingKeys() []keyRule {
	var rules []keyRule
	add := func(s scope, pages bool, names ...string) {
		for _, name := range names {
			rules = append(rules, keyRule{name, s, bySection, nil, pages})
		}
	}
	add(separate, true, "vars", "kv_namespaces", "d1_databases", "r2_buckets", "queues", "durable_objects", "services",
		"analytics_engine_datasets", "vectorize", "ai", "version_metadata", "mtls_certificates", "browser", "hyperdrive")
	add(separate, false, "send_email", "dispatch_namespaces", "ratelimits", "tail_consumers", "streaming_tail_consumers", "workflows",
		"ai_search_namespaces", "ai_search", "images", "media", "stream", "pipelines", "secrets_store_secrets", "artifacts", "flagship",
		"worker_loaders", "vpc_services", "vpc_networks", "containers", "cloudchamber", "unsafe")
	add(inheritable, false, "migrations", "triggers", "assets", "cache")
	add(topOnly, false, "site", "wasm_modules", "text_blobs", "data_blobs")
	return rules
}

// elsewhereKeys are the keys that mean nothing to a process that serves one wasm module.
func elsewhereKeys() []keyRule {
	var rules []keyRule
	add := func(s scope, pages bool, names ...string) {
		for _, name := range names {
			rules = append(rules, keyRule{name, s, elsewhere, nil, pages})
		}
	}
	add(inheritable, true, "compatibility_flags", "no_bundle", "placement", "upload_source_maps")
	add(inheritable, false, "account_id", "find_additional_modules", "preserve_file_names", "base_dir", "workers_dev", "preview_urls", "route",
		"routes", "tsconfig", "jsx_factory", "jsx_fragment", "rules", "minify", "keep_names", "first_party_worker", "logfwdr", "logpush",
		"observability", "compliance_region", "python_modules", "previews")
	add(separate, false, "define")
	add(topOnly, true, "send_metrics")
	add(topOnly, false, "legacy_env", "alias", "keep_vars")
	return rules
}

// keyTable finds rules by name.
type keyTable struct {
	rules  []keyRule
	byName map[string]*keyRule
}

// newKeyTable makes the table of all keys, in which the sections are supported. A section that wrangler does not know is a key
// that environments do not inherit.
func newKeyTable(sections []string) *keyTable {
	t := &keyTable{rules: keyRules(), byName: map[string]*keyRule{}}
	for i := range t.rules {
		r := &t.rules[i]
		if slices.Contains(sections, r.name) {
			r.support = supported
		}
		t.byName[r.name] = r
	}
	for _, name := range sections {
		if t.byName[name] == nil {
			t.rules = append(t.rules, keyRule{name, separate, supported, nil, true})
			t.byName[name] = &t.rules[len(t.rules)-1]
		}
	}
	return t
}

func (t *keyTable) names() []string {
	names := make([]string, len(t.rules))
	for i, r := range t.rules {
		names[i] = r.name
	}
	return names
}

// unsupportedMessage says what comes of a key that has no effect; empty for a key that has one.
func (r *keyRule) unsupportedMessage() string {
	switch r.support {
	case bySection:
		return "is known but not supported by this version of pagesrun: it has no effect"
	case elsewhere:
		return "has no effect: it is for JavaScript, wrangler's bundler or Cloudflare's network"
	}
	return ""
}

// kindList says which kinds a key may have: "a string", "a string or a table".
func kindList(kinds []Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.article()
	}
	return strings.Join(names, " or ")
}
