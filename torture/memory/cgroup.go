package memory

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/pagesrun/pagesrun/torture/rig"
)

// group is a memory cgroup of our own.
type group struct{ dir string }

// newGroup makes a cgroup whose processes may take so many bytes together, none of them swapped out.
func newGroup(bytesMost int) (g group, err error) {
	const v2, v1 = "/sys/fs/cgroup", "/sys/fs/cgroup/memory"
	name := fmt.Sprintf("pagesrun-torture-%d", os.Getpid())
	limits := map[string]string{}
	if controllers, err := os.ReadFile(filepath.Join(v2, "cgroup.subtree_control")); err == nil && bytes.Contains(controllers, []byte("memory")) {
		g.dir = filepath.Join(v2, name)
		limits["memory.max"], limits["memory.swap.max"] = strconv.Itoa(bytesMost), "0"
	} else {
		g.dir = filepath.Join(v1, name)
		limits["memory.limit_in_bytes"], limits["memory.swappiness"] = strconv.Itoa(bytesMost), "0"
		if _, err := os.Stat(filepath.Join(v1, "memory.limit_in_bytes")); err != nil {
			return g, fmt.Errorf("%w: there is no memory cgroup: %v", rig.ErrUnavailable, err)
		}
	}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return g, fmt.Errorf("%w: no memory cgroup can be made: %v", rig.ErrUnavailable, err)
	}
	for file, value := range limits {
		if err := os.WriteFile(filepath.Join(g.dir, file), []byte(value), 0o644); err != nil && file != "memory.swap.max" { // which is only there with swap
			g.remove()
			return g, fmt.Errorf("%w: %v", rig.ErrUnavailable, err)
		}
	}
	return g, nil
}

// join is the shell command by which a process enters the cgroup.
func (g group) join() string { return "echo $$ > " + filepath.Join(g.dir, "cgroup.procs") }

// remove removes the cgroup, in which no process is any more.
func (g group) remove() error { return os.Remove(g.dir) }
