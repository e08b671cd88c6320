//go:build !linux && !darwin

package jetstream

func diskRoom(string) (free, total uint64, ok bool) { return 0, 0, false }
