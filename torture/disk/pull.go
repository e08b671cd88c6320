package disk

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Cut says what a power cut leaves of what nobody has synced.
type Cut int

const (
	// Nothing is left of it.
	Nothing Cut = iota
	// Some of the writes are left, each with an even chance, in whatever order they were made; of the changes of directories, the first so many.
	Some
	// Torn leaves some of the 512-byte sectors of each write, and of the changes of directories the first so many.
	Torn
	cuts
)

// Cuts are all kinds of cut.
func Cuts() []Cut { return []Cut{Nothing, Some, Torn} }

// String names the cut.
func (c Cut) String() string { return [cuts]string{"nothing", "some", "torn"}[c] }

// sectorBytes is what a disk writes as a whole, at the least.
const sectorBytes = 512

// Loss is what a cut has undone.
type Loss struct {
	// Files had changes that were lost; Writes counts those, Bytes what was in them. What a cut left is not counted.
	Files, Writes, Bytes int
	// Moves are the changes of directories that were lost.
	Moves int
}

// Pull cuts the power. Nodes from before it must not be used afterwards, but for the root.
func (d *Disk) Pull(c Cut, random *rand.Rand) (lost Loss) {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept := 0
	if c != Nothing {
		kept = random.IntN(len(d.moves) + 1)
	}
	for _, m := range d.moves[:kept] {
		m.engrave()
	}
	lost.Moves = len(d.moves) - kept
	d.moves = nil
	d.root.restart(c, random, &lost, map[*Node]bool{})
	return lost
}

// restart makes of a node, and of all below it, what is durable.
func (n *Node) restart(c Cut, random *rand.Rand, lost *Loss, seen map[*Node]bool) {
	if seen[n] {
		n.links++
		return
	}
	seen[n] = true
	n.links = 1
	n.settle(c, random, lost)
	n.entries = maps.Clone(n.platters)
	for _, name := range slices.Sorted(maps.Keys(n.entries)) {
		n.entries[name].restart(c, random, lost, seen)
	}
}

// settle decides about the changes of a file.
func (n *Node) settle(c Cut, random *rand.Rand, lost *Loss) {
	before := lost.Writes
	for _, change := range n.pending {
		kept := change.left(c, random)
		for _, k := range kept {
			n.platter = k.to(n.platter)
			lost.Bytes -= len(k.bytes)
		}
		if lost.Bytes += len(change.bytes); len(kept) == 0 {
			lost.Writes++
		}
	}
	if lost.Writes > before {
		lost.Files++
	}
	n.pending = nil
	n.content = slices.Clone(n.platter)
}

// left gives the parts of a change that a cut leaves.
func (c change) left(cut Cut, random *rand.Rand) (parts []change) {
	switch {
	case cut == Nothing:
		return nil
	case cut == Some || c.bytes == nil:
		if random.IntN(2) == 0 {
			return nil
		}
		return []change{c}
	}
	for at := c.at; at < c.at+int64(len(c.bytes)); {
		end := min((at/sectorBytes+1)*sectorBytes, c.at+int64(len(c.bytes)))
		if random.IntN(2) == 0 {
			parts = append(parts, change{at, c.bytes[at-c.at : end-c.at]})
		}
		at = end
	}
	return parts
}

// Dump writes the files and directories that programs see into a directory of another file system.
func (d *Disk) Dump(to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.root.dump(to)
}

func (n *Node) dump(to string) error {
	switch n.mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
	case syscall.S_IFREG:
		return os.WriteFile(to, n.content, 0o600)
	default:
		return nil
	}
	if err := os.Mkdir(to, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	for name, child := range n.entries {
		if err := child.dump(filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return nil
}
