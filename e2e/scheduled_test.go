package e2e_test

import "testing"

func TestAFunctionWithoutAScheduledHandler(t *testing.T) {
	t.Parallel()
	for name, hello := range map[string]*product{"Go": goHello, "C": cHello} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFiles(t, dir, map[string]string{"wrangler.toml": "[triggers]\ncrons = [\"0 0 1 1 *\"]\n"})
			s := start(t, dir, "dev", hello.path(t), "--port", "0", "--admin", "off")
			if status, answer := fetch(t, s.URL+"/cdn-cgi/handler/scheduled?cron=x"); status != 500 || answer != "exception" {
				t.Errorf("%d %q", status, answer)
			}
			s.Line("Handler does not export a scheduled() function.", patience)
		})
	}
}
