package mount_test

import (
	"testing"

	"github.com/pagesrun/pagesrun/torture/mount"
)

func TestAnotherProcessCanWriteAndSync(t *testing.T) {
	if err := mount.Works(); err != nil {
		t.Skip("no disk can be mounted on this machine: ", err)
	}
}
