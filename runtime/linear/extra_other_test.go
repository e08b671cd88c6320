//go:build !linux

package linear

import "testing"

func extraBackends(testing.TB, Budget) []Backend { return nil }
