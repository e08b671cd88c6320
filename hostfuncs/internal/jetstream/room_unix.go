//go:build linux || darwin

package jetstream

import "golang.org/x/sys/unix"

// diskRoom gives the free and the whole size of the disk that dir is on, in bytes; false when they are not known.
func diskRoom(dir string) (free, total uint64, ok bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, false
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), true
}
