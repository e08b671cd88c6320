// Package mount shows a [disk.Disk] to other processes, as a file system of the kernel's (FUSE).
//
// It must not be used by the process that serves it: a thread of that process that waits for the kernel, which waits for the process, may stop all of it.
package mount

import (
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/pagesrun/pagesrun/torture/disk"
)

// Mount is a mounted disk.
type Mount struct {
	// Dir is where it is mounted.
	Dir string
	// Faults has operations fail.
	Faults *Faults
	server *fuse.Server
}

// On mounts a disk on an empty directory. The kernel keeps no attributes and no names, and a new mount knows nothing of the pages that an earlier one had
// in memory.
func On(dir string, d *disk.Disk) (*Mount, error) {
	var never time.Duration
	faults := &Faults{}
	server, err := fs.Mount(dir, &node{disk: d, at: d.Root(), faults: faults}, &fs.Options{
		MountOptions: fuse.MountOptions{DirectMount: os.Geteuid() == 0, FsName: "powerloss", Name: "powerloss", MaxWrite: 1 << 20, DisableXAttrs: true},
		AttrTimeout:  &never, EntryTimeout: &never, NegativeTimeout: &never,
	})
	if err != nil {
		return nil, fmt.Errorf("mount on %s: %w", dir, err)
	}
	return &Mount{dir, faults, server}, nil
}

// unmountTime is how long processes that have ended may hold on to their files.
const unmountTime = 10 * time.Second

// Close unmounts it. No process may use it any more.
func (m *Mount) Close() (err error) {
	for deadline := time.Now().Add(unmountTime); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = m.server.Unmount(); err == nil {
			m.server.Wait()
			return nil
		}
	}
	return fmt.Errorf("unmount %s: %w", m.Dir, err)
}

// Works says why a disk cannot be mounted here, nil when it can. It tries, with another process that writes and syncs a file: a
// mount that sees nothing of that would let every test pass.
func Works() error {
	dir, err := os.MkdirTemp("", "powerloss-probe-")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	d := disk.New(disk.Journal)
	m, err := On(dir, d)
	if err != nil {
		return err
	}
	out, err := exec.Command("sh", "-c", `echo synced >"$0/a" && sync "$0/a" && echo lost >>"$0/a" && echo lost >"$0/b"`, dir).CombinedOutput()
	if closing := m.Close(); closing != nil {
		return closing
	}
	if err != nil {
		return fmt.Errorf("write to it: %w: %s", err, out)
	}
	if lost := d.Pull(disk.Nothing, nil); lost.Writes != 1 || lost.Moves != 1 {
		return fmt.Errorf("the mount does not see what is written to it: %+v", lost)
	}
	return nil
}
