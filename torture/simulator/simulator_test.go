package simulator

import (
	"math/rand/v2"
	"testing"
)

func TestWorldsBehaveAsPlainMaps(t *testing.T) {
	failed, seen, err := Seeds(t.Context(), rand.Uint64(), 40, t.TempDir(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range failed {
		t.Error(f)
	}
	t.Logf("%+v", seen)
}
