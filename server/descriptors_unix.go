//go:build unix

package server

import "syscall"

// descriptorsMax is how many descriptors the process may have open.
func descriptorsMax() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil || l.Cur > unlimited {
		return unlimited
	}
	return int(l.Cur)
}
