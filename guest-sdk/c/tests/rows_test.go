package tests

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi/cbor"
)

// randomScalar appends a value.
func randomScalar(r *rand.Rand, b []byte) []byte {
	text := strings.Repeat([]string{"a", "é", "\x00", "🤓"}[r.IntN(4)], r.IntN(30))
	switch r.IntN(6) {
	case 0:
		return cbor.AppendNull(b)
	case 1:
		return cbor.AppendInt(b, int64(r.Uint64()>>r.IntN(64)))
	case 2:
		return cbor.AppendInt(b, -1-int64(r.Uint64()>>(1+r.IntN(63))))
	case 3:
		return cbor.AppendFloat64(b, math.Float64frombits(r.Uint64()))
	case 4:
		return cbor.AppendBytes(b, []byte(text))
	}
	return cbor.AppendText(b, text)
}

// readRows is what the rows are to package cbor, as rows.c writes them.
func readRows(columns, count int, b []byte) string {
	var out strings.Builder
	in := cbor.NewReader(b)
	for range count {
		row := "|"
		for range columns {
			switch s := in.Scalar(); s.Kind {
			case cbor.KindNull:
				row += " n"
			case cbor.KindInt:
				row += fmt.Sprintf(" i%d", s.Int)
			case cbor.KindFloat:
				row += fmt.Sprintf(" r%016x", math.Float64bits(s.Float))
			case cbor.KindText:
				row += fmt.Sprintf(" t%x", s.Bytes)
			case cbor.KindBytes:
				row += fmt.Sprintf(" b%x", s.Bytes)
			default: // broken, or a boolean, which no row has
				return out.String() + "!"
			}
		}
		out.WriteString(row)
	}
	return out.String()
}

func TestRowsWholeAndDamagedUnderSanitizers(t *testing.T) {
	bin := compile(t, need(t, "gcc", "clang-19"), "-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
		"-Wall", "-Wextra", "-Werror", "-Wno-format-truncation", "-Wno-unknown-warning-option", "testdata/rows.c")
	r := rand.New(rand.NewPCG(3, 4))
	var in bytes.Buffer
	var want []string
	ask := func(columns, count int, b []byte) {
		fmt.Fprintf(&in, "%d %d %s\n", columns, count, hex.EncodeToString(b))
		want = append(want, readRows(columns, count, b))
	}
	ask(1, 0, nil)
	ask(0, 3, nil)
	ask(2, 1, nil)
	for range 3000 {
		columns, count := 1+r.IntN(4), r.IntN(4)
		var b []byte
		for range columns * count {
			b = randomScalar(r, b)
		}
		ask(columns, count, b)
		ask(columns, count, mutate(r, b))
	}
	cmd := exec.Command(bin)
	var out, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	got := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(got) != len(want) {
		t.Fatalf("%d answers to %d questions", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("question %d: got %s, want %s", i, got[i], want[i])
		}
	}
}
