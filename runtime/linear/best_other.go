//go:build !linux

package linear

import "errors"

// CopyOnWrite is not available on this operating system.
func CopyOnWrite(Budget) (Backend, error) {
	return nil, errors.New("copy-on-write images need Linux")
}

// Best is the fastest backend that works on this machine.
func Best(Budget) Backend { return Portable() }
