package d1

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/pagesrun/pagesrun/abi"
)

// TestRepliesAreWhatTheSchemaMakesOfThem compares what is written while rows are read with what the message's own codec writes.
func TestRepliesAreWhatTheSchemaMakesOfThem(t *testing.T) {
	p := newProbe(t)
	p.mustExec("CREATE TABLE t(a, b)")
	var batch []abi.D1Statement
	for _, n := range []int{0, 1, 20, 21, 22, 23, 24, 252, 253, 254, 255, 256, 65530, 65531, 65532, 65533, 65534, 65535, 65536, 1_000_000} {
		batch = append(batch, stmt("SELECT zeroblob(?)", n), stmt("SELECT zeroblob(?) AS a, 1 AS a, NULL FROM (VALUES(1),(2),(3))", n/3))
	}
	batch = append(batch, stmt("SELECT 1 WHERE 0"), stmt("INSERT INTO t VALUES(1,2)"), stmt("SELECT 1; INSERT INTO t VALUES(1,2)"), stmt("INSERT INTO t VALUES(1,2) RETURNING *"),
		stmt("SELECT "+repeat(100, ",", func(i int) string { return fmt.Sprintf("%d AS %s", i, strings.Repeat("x", i+1)) })))
	for i, statements := range append([][]abi.D1Statement{batch}, batch[:3], batch[len(batch)-3:]) {
		p.newEvent()
		for _, before := range []string{"", "before"} {
			b, err := p.ops[abi.OpD1Query].Run(context.Background(), p.call, (&abi.D1QueryRequest{Statements: statements}).AppendCBOR(nil), []byte(before))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(b), before) {
				t.Fatal("what was there is gone")
			}
			var reply abi.D1QueryReply
			if err := reply.DecodeCBOR(b[len(before):]); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(reply.AppendCBOR([]byte(before)), b) {
				t.Errorf("case %d: not what the codec writes", i)
			}
			for j := range reply.Results {
				show(t, reply.Results[j])
			}
		}
	}
}

func TestABadMessageIsRefused(t *testing.T) {
	p := newProbe(t)
	dst, err := p.ops[abi.OpD1Query].Run(context.Background(), p.call, []byte{0x80}, []byte("before"))
	if err == nil || string(dst) != "before" {
		t.Error(err, dst)
	}
}
