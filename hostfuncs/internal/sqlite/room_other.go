//go:build !linux

package sqlite

// room takes no space ahead of time on this system: on a full disk deletes may have to wait until there is room.
type room struct{}

func openRoom(string) (*room, error) { return &room{}, nil }

func (*room) close() {}

func (*room) take(*Conn) error { return nil }

func allocate(uintptr, int64, int64) error { return nil }

func isQuota(error) bool { return false }

func diskFree(string) (uint64, bool) { return 0, false }
