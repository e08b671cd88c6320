package cron

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pagesrun/pagesrun/config"
)

// decode reads a configuration file: what it has and what is wrong with it, the path left out.
func decode(t *testing.T, env, text string) (found, wrong []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wrangler.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Load(config.Options{File: path, Env: env, Sections: New().Sections()})
	resources, more := New().Decode(cfg)
	problems = append(problems, more...)
	problems.Sort()
	for _, res := range resources {
		r := res.(*Resource)
		found = append(found, fmt.Sprintf("%s %d %q %v", r.App, r.Position().Line, r.Expression, r.CatchUp))
	}
	for _, p := range problems {
		kind := "error"
		if p.Warning {
			kind = "warning"
		}
		wrong = append(wrong, kind+": "+strings.TrimPrefix(p.Error(), filepath.Dir(path)+string(filepath.Separator)))
	}
	return found, wrong
}

func TestDecode(t *testing.T) {
	many := "name = \"app\"\n[triggers]\ncrons = [\n" + strings.Repeat("\"* * * * *\",\n", ExpressionsMax+1) + "]\n"
	for _, c := range []struct {
		name, env, text string
		found, wrong    []string
	}{
		{"nothing", "", "name = \"app\"\n", nil, nil},
		{"an empty table", "", "name = \"app\"\n[triggers]\n", nil, nil},
		{"no expressions", "", "name = \"app\"\n[triggers]\ncrons = []\n", nil, nil},
		{"each expression has its line", "", "name = \"app\"\n[triggers]\ncrons = [\n  \"*/5 * * * *\",\n  \"0 3 * * sun\",\n]\n",
			[]string{`app 4 "*/5 * * * *" 1m0s`, `app 5 "0 3 * * sun" 1m0s`}, nil},
		{"the catch-up time", "", "name = \"app\"\n[triggers]\ncrons = [\"* * * * *\"]\n[pagesrun.cron]\ncatch_up_ms = 3600000\n",
			[]string{`app 3 "* * * * *" 1h0m0s`}, nil},
		{"an environment inherits", "staging", "name = \"app\"\n[triggers]\ncrons = [\"* * * * *\"]\n[env.staging]\n", []string{`app-staging 3 "* * * * *" 1m0s`}, nil},
		{"an environment has its own", "staging", "name = \"app\"\n[triggers]\ncrons = [\"* * * * *\"]\n[env.staging.triggers]\ncrons = [\"bad\"]\n", nil,
			[]string{`error: wrangler.toml:5: env.staging.triggers.crons[0]: "bad" is no cron expression: must have five fields (minute, hour, day of the month, month, day of the week), not 1`}},
		{"what is wrong is said with line and field", "", "name = \"app\"\n[triggers]\ncrons = [\n\"* * * * *\",\n\"0 0 * * 0\",\n\"61 * ? * *\"]\n", []string{`app 4 "* * * * *" 1m0s`}, []string{
			`error: wrangler.toml:5: triggers.crons[1]: "0 0 * * 0" is no cron expression: the day of the week must be 1 (Sunday) to 7 (Saturday) or a name from SUN to SAT, not "0"`,
			`error: wrangler.toml:6: triggers.crons[2]: "61 * ? * *" is no cron expression: the minute must be 0 to 59, not "61"; the day of the month cannot be "?": write "*"`,
		}},
		{"one expression twice in other words", "", "name = \"app\"\n[triggers]\ncrons = [\"0 0 * * MON\", \"0-0 0-0/1 * * MON,Mon\"]\n", []string{`app 3 "0 0 * * MON" 1m0s`},
			[]string{`error: wrangler.toml:3: triggers.crons[1]: Expression '0-0 0-0/1 * * MON,Mon' already exists in the form of '0 0 * * MON'`}},
		{"an expression that never comes", "", "name = \"app\"\n[triggers]\ncrons = [\"0 0 30 2 *\"]\n", []string{`app 3 "0 0 30 2 *" 1m0s`},
			[]string{`warning: wrangler.toml:3: triggers.crons[0]: "0 0 30 2 *" never comes: the months it names have no such day`}},
		{"an expression that is none", "", "name = \"app\"\n[triggers]\ncrons = [5]\n", nil, []string{`error: wrangler.toml:3: triggers.crons[0]: must be a string, not an integer`}},
		{"expressions that are no array", "", "name = \"app\"\n[triggers]\ncrons = \"* * * * *\"\n", nil, []string{`error: wrangler.toml:3: triggers.crons: must be an array of strings, not a string`}},
		{"triggers that are no table", "", "name = \"app\"\ntriggers = 5\n", nil, []string{`error: wrangler.toml:2: triggers: must be a table, not an integer`}},
		{"another key", "", "name = \"app\"\n[triggers]\ncron = [\"* * * * *\"]\n", nil,
			[]string{`error: wrangler.toml:3: triggers.cron: Unexpected fields found in triggers field: "cron". Did you mean "crons"?`}},
		{"a catch-up time shorter than a minute", "", "name = \"app\"\n[pagesrun.cron]\ncatch_up_ms = 0\n", nil,
			[]string{`error: wrangler.toml:3: pagesrun.cron.catch_up_ms: must be between 60000 and 604800000, not 0`}},
		{"another setting", "", "name = \"app\"\n[pagesrun.cron]\ncatchup_ms = 60000\n", nil,
			[]string{`error: wrangler.toml:3: pagesrun.cron.catchup_ms: Unexpected fields found in pagesrun.cron field: "catchup_ms". Did you mean "catch_up_ms"?`}},
		{"more expressions than are allowed", "", many, nil, []string{fmt.Sprintf("error: wrangler.toml:%d: triggers.crons: may have at most 250 expressions, not 251", ExpressionsMax+4)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, wrong := decode(t, c.env, c.text)
			if !slices.Equal(found, c.found) {
				t.Errorf("found %q\nwant  %q", found, c.found)
			}
			if !slices.Equal(wrong, c.wrong) {
				t.Errorf("wrong %q\nwant  %q", wrong, c.wrong)
			}
		})
	}
}

func TestTheCatchUpTimeIsAtLeastTheMinute(t *testing.T) {
	if CatchUpDefault != time.Minute {
		t.Errorf("a tick may be %v late", CatchUpDefault)
	}
}
