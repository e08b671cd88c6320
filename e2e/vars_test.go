package e2e_test

import "testing"

// variable asks for a variable; the target is its name.
var variable = ask{op: "vars.get"}

func TestBindingsWithOneIDShareANamespace(t *testing.T) {
	t.Parallel()
	c := &clock{}
	c.seconds.Store(begin)
	for language, probe := range probes() {
		t.Run(language, func(t *testing.T) {
			site := serveInProcess(t, probe.bytes(t), c, map[string]string{"wrangler.toml": `
kv_namespaces = [
	{binding = "A", id = "one"}, {binding = "B", id = "two", preview_id = "one"}, {binding = "C", id = "C"}, {binding = "one"}]`})
			put("k", "v").send(t, site, "A")
			for target, want := range map[string]string{"A": found("v"), "B": found("v"), "C": missing, "one": found("v")} {
				if answer := get("k").send(t, site, target); answer != want {
					t.Errorf("%s: got %q, want %q", target, answer, want)
				}
			}
		})
	}
}
