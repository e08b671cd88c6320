package secrets

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// decode gives the secrets of a .dev.vars file.
func decode(t testing.TB, devVars string) ([]hostfuncs.Resource, config.Problems) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"wrangler.toml": "name = \"x\"\n", ".dev.vars": devVars} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, problems := config.Load(config.Options{File: filepath.Join(dir, "wrangler.toml"), Sections: New().Sections()})
	resources, more := New().Decode(cfg)
	return resources, append(problems, more...)
}

func TestASecretAnswersAsSecretAndAsVariable(t *testing.T) {
	resources, problems := decode(t, "TOKEN=hunter2\nEMPTY=\n")
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	live, err := New().Open(t.Context(), hostfuncs.Host{}, resources)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close(t.Context())
	ops := map[string]hostfuncs.Operation{}
	for _, op := range live.Operations() {
		ops[op.Name] = op
	}
	for name, want := range map[string]string{"TOKEN": "hunter2", "EMPTY": ""} {
		var secret abi.SecretsGetReply
		var variable abi.VarsGetReply
		run(t, ops[abi.OpSecretsGet], name, &secret)
		run(t, ops[abi.OpVarsGet], name, &variable)
		if secret.Value != want || variable.Value != want || variable.IsJSON {
			t.Errorf("%s: %q and %q (JSON %v)", name, secret.Value, variable.Value, variable.IsJSON)
		}
	}
	for name, op := range ops {
		if _, err := op.Run(t.Context(), hostfuncs.NewCall("MISSING", nil), nil, nil); !errors.Is(err, abi.CodeNotConfigured) {
			t.Errorf("%s of an unknown secret gave %v", name, err)
		}
	}
}

func run(t *testing.T, op hostfuncs.Operation, target string, reply interface{ DecodeCBOR([]byte) error }) {
	t.Helper()
	b, err := op.Run(t.Context(), hostfuncs.NewCall(target, nil), nil, nil)
	if err == nil {
		err = reply.DecodeCBOR(b)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestNothingShowsTheValue(t *testing.T) {
	resources, problems := decode(t, "TOKEN=hunter2\nLONG=hunter2"+strings.Repeat("x", BytesMax)+"\n")
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("secret", "resource", resources[0], "all", resources)
	}
	for _, shown := range []string{
		resources[0].Describe(), fmt.Sprintf("%v %+v %s %#v", resources[0], resources[0], resources[0], resources[0]), log.String(), problems.Error(),
	} {
		if strings.Contains(shown, "hunter2") {
			t.Errorf("the value is shown: %s", shown)
		}
	}
	if resources[0].Describe() != "(hidden)" {
		t.Errorf("described as %s", resources[0].Describe())
	}
}

func TestLimits(t *testing.T) {
	many := func(n int) (text string) {
		for i := range n {
			text += fmt.Sprintf("S%d=v\n", i)
		}
		return text
	}
	for _, c := range []struct{ name, file, want string }{
		{"128 secrets are the most", many(128), ""},
		{"129 secrets are too many", many(129), "at most 128 secrets are allowed, and there are 129"},
		{"5 KiB are the longest", "S=" + strings.Repeat("x", 5120), ""},
		{"5 KiB and a byte are too long", "S=" + strings.Repeat("x", 5121), "must have at most 5120 bytes, not 5121"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := decode(t, c.file)
			got := ""
			if len(problems) > 0 {
				got = problems[0].Message
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
