package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestMountsAreCounted(t *testing.T) {
	for n, fails := range map[int]bool{MountsMax: false, MountsMax + 1: true} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "[[pagesrun.mounts]]\nguest = \"/m%d\"\nhost = \".\"\n", i)
		}
		c, problems := loadText(t, b.String(), Options{})
		if (problems.Err() != nil) != fails || len(c.Pagesrun.Mounts) != n {
			t.Errorf("%d mounts: %d, %v", n, len(c.Pagesrun.Mounts), problems)
		}
		if want := "pagesrun.mounts: must be at most 64, not 65"; fails && !strings.Contains(problems.Error(), want) {
			t.Errorf("got %q, want %q", problems.Error(), want)
		}
	}
}

func TestAMountsHostIsSeenFromTheConfiguration(t *testing.T) {
	c, problems := loadText(t, "[[pagesrun.mounts]]\nguest = \"/a\"\nhost = \".\"\n", Options{})
	if problems.Err() != nil || len(c.Pagesrun.Mounts) != 1 || c.Pagesrun.Mounts[0].Host != c.Dir || c.Pagesrun.Mounts[0].Pos.Line != 1 {
		t.Errorf("%+v in %s, %v", c.Pagesrun.Mounts, c.Dir, problems)
	}
}
