package e2e_test

import (
	"testing"

	"github.com/pagesrun/pagesrun/e2e/process"
)

var goIdiom = &product{name: "idiom-go.wasm", build: func(path string) error { return process.BuildGo("e2e/guests/idiom-go", path) }}

// TestTheGoSDKMeansWhatItSays uses KV as Go programmers do. The rules of KV are shown by other tests; this one is about what the SDK makes of them.
func TestTheGoSDKMeansWhatItSays(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "serve", goIdiom.path(t), "--port", "0", "--admin", "off", "-k", "KV")
	for path, want := range map[string]string{
		"/values":    "one true\n[0 255] true\n\"\" true\n\"\" false\na one {\"n\":1} true\nb \"\\x00\\xff\" \"\" true\nnone \"\" \"\" false\na \"one\" \"{\\\"n\\\":1}\" true\n",
		"/documents": "{x [y]} true\n{ []} false\nunexpected end of JSON input\nd map[é:🤓] true <nil> <nil>\n",
		"/streams":   "true true\nfalse\nthe source broke 1000000\n",
		"/lists":     "50 false true true\n70 true l050\n120\n",
		"/together":  "3 true 7 true\ntrue\n",
		"/failures": "true true KV PUT failed: 400 Invalid expiration_ttl of 59. Expiration TTL must be at least 60.\n" +
			"true KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400.\nKey name cannot be empty.\n" +
			"true no binding named \"NONE\" is configured\n",
	} {
		t.Run(path, func(t *testing.T) {
			if status, body := fetch(t, s.URL+path); status != 200 || body != want {
				t.Errorf("status %d\ngot  %q\nwant %q\n%s", status, body, want, s.Log())
			}
		})
	}
}
