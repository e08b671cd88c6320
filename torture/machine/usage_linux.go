package machine

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ResidentBytes is how much memory the process has resident.
func (m *Machine) ResidentBytes() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", m.PID()))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("statm says %q", text)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// Descriptors is how many files, sockets and the like the process has open.
func (m *Machine) Descriptors() (int, error) {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", m.PID()))
	return len(list), err
}
