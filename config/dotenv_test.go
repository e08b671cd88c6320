package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestDotenvReadsWhatNpmsDotenvReads(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"plain", "A=b", `A="b"@1`},
		{"spaces around everything", "  A  =  b c  ", `A="b c"@1`},
		{"an empty value", "A=", `A=""@1`},
		{"an empty value before others", "A=\nB=1", `A=""@1 B="1"@2`},
		{"a value with equals signs", "A=b=c==", `A="b=c=="@1`},
		{"export", "export A=b\nexport\tB=c", `A="b"@1 B="c"@2`},
		{"a variable called export", "export=1", `export="1"@1`},
		{"a colon and a space", "A: b", `A="b"@1`},
		{"dots, dashes and digits in names", "a.b-c_1=2", `a.b-c_1="2"@1`},
		{"comments and blank lines", "# one\n\n  # two\nA=1 # three\n#A=2", `A="1"@4`},
		{"a hash ends an unquoted value even without space", "A=b#c", `A="b"@1`},
		{"a hash within quotes stays", `A="b#c" # d`, `A="b#c"@1`},
		{"single quotes keep everything", `A=' b\n$C '`, `A=" b\\n$C "@1`},
		{"double quotes know line ends", `A="a\nb\rc\td"`, `A="a\nb\rc\\td"@1`},
		{"backticks keep other quotes", "A=`say \"it's\"`", "A=\"say \\\"it's\\\"\"@1"},
		{"values over several lines", "A=\"one\ntwo\"\nB='three\nfour'\nC=1", `A="one\ntwo"@1 B="three\nfour"@3 C="1"@5`},
		{"an escaped quote does not end the value and keeps its backslash", `A="a\"b"`, `A="a\\\"b"@1`},
		{"quotes within an unquoted value stay", `A=it's "fine"`, `A="it's \"fine\""@1`},
		{"JSON without quotes", `A={"b": [1, 2]}`, `A="{\"b\": [1, 2]}"@1`},
		{"JSON in single quotes", `A='{"b": 1}'`, `A="{\"b\": 1}"@1`},
		{"carriage returns", "A=1\r\nB='x\r\ny'\r\nC=3\r", `A="1"@1 B="x\ny"@2 C="3"@4`},
		{"empty quotes", `A="" ` + "\nB=''", `A=""@1 B=""@2`},
		{"letters beyond ASCII in values", "A=grün 🌱", `A="grün 🌱"@1`},
		{"the last of a name counts", "A=1\nB=2\nA=3", `A="3"@3 B="2"@2`},
		{"nothing is expanded", "A=1\nB=${A}$A", `A="1"@1 B="${A}$A"@2`},
		{"an empty file", "", ""},
		{"a lone comment", "#", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var problems Problems
			got := secretsText(parseDotenv("f", []byte(c.text), &problems))
			if got != c.want || problems.Err() != nil {
				t.Errorf("got %s, want %s, problems %v", got, c.want, problems)
			}
		})
	}
}

func secretsText(secrets []Secret) string {
	words := make([]string, len(secrets))
	for i, s := range secrets {
		words[i] = fmt.Sprintf("%s=%q@%d", s.Name, s.Value, s.Pos.Line)
	}
	return strings.Join(words, " ")
}

func TestDotenvReportsWhatItCannotRead(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"no equals sign", "A=1\nB", `f:2: B: must be followed by "="`},
		{"two names", "A B=1", `f:1: A: must be followed by "="`},
		{"a colon without a space", "A:b", `f:1: A: must be followed by "="`},
		{"no name", "=1", `f:1: a line must be NAME=VALUE or start with "#"`},
		{"an open quote", "B=1\nA='x\ny", `f:2: A: the quote ' has no end`},
		{"text after a quote", "A='x'y", `f:1: A: its closing quote, on line 1, is followed by more text: put other quotes around the whole value`},
		{"a name twice", "A=1\nA=2", "f:2: A: is given twice; this value counts, not the one of line 1"},
		{"every fault at once", "x\ny", "f:1: x: must be followed by \"=\"\nf:2: y: must be followed by \"=\""},
		{"more variables than the limit", strings.Repeat("A=1\n", MaxValues+1), fmt.Sprintf("f:%d: has more than the limit of 10000 values (MaxValues)", MaxValues+1)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var problems Problems
			parseDotenv("f", []byte(c.text), &problems)
			if got := problems.Error(); !strings.HasSuffix(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestExpansionFollowsDotenvExpand(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"a name", "A=1\nB=$A", "1"},
		{"a name in braces", "A=1\nB=x${A}y", "x1y"},
		{"an unknown name becomes empty", "B=x${NOPE}$NOPE.y", "x.y"},
		{"a later variable", "B=$C\nA=1\nC=$A", "1"},
		{"an escaped dollar sign", `B=\$A and \${A}`, "$A and ${A}"},
		{"a dollar sign alone", "B=5$ or $5 or $", "5$ or $5 or $"},
		{"single quotes do not protect", "A=1\nB='$A'", "1"},
		{"a default for an unknown name", "B=${A:-x y}", "x y"},
		{"a default for an empty value", "A=\nB=${A-x}", "x"},
		{"no default where there is a value", "A=1\nB=${A:-x}", "1"},
		{"a default with a reference", "C=1\nB=${A:-$C}", "1"},
		{"an alternative for a value", "A=1\nB=${A:+x}", "x"},
		{"no alternative without a value", "B=${A+x}", ""},
		{"a variable in its own value is empty", "B=x${B}y", "xy"},
		{"a circle ends", "B=b$C\nC=c$B", "bc"},
		{"braces without an end stay", "A=1\nB=${A", "${A"},
		{"an expanded value is not expanded again", "A=\\$C\nB=$A\nC=1", "$C"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var problems Problems
			secrets := parseDotenv("f", []byte(c.text), &problems)
			expandAll(secrets, func(Secret) bool { return false }, &problems)
			for _, s := range secrets {
				if s.Name == "B" && s.Value != c.want {
					t.Errorf("got %q, want %q", s.Value, c.want)
				}
			}
			if len(problems) > 0 {
				t.Error(problems)
			}
		})
	}
}

func TestExpansionIsBounded(t *testing.T) {
	var bomb, chain strings.Builder
	bomb.WriteString("A0=0123456789\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&bomb, "A%d=%s\n", i, strings.Repeat(fmt.Sprintf("$A%d", i-1), 8))
	}
	for i := range 200 {
		fmt.Fprintf(&chain, "A%d=$A%d\n", i, i+1)
	}
	cases := []struct{ name, text, want string }{
		{"bytes", bomb.String(), "expand to more than the limit of 1048576 bytes (MaxFileBytes)"},
		{"depth", chain.String(), "deeper in one another than the limit of 64 (MaxNesting)"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var problems Problems
			secrets := parseDotenv("f", []byte(c.text), &problems)
			expandAll(secrets, func(Secret) bool { return false }, &problems)
			if len(problems) != 1 || !strings.Contains(problems.Error(), c.want) {
				t.Errorf("got %v, want %s", problems, c.want)
			}
			total := 0
			for _, s := range secrets {
				total += len(s.Value)
			}
			if total > 2*MaxFileBytes {
				t.Errorf("the values have %d bytes", total)
			}
		})
	}
}
