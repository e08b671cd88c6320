package sqlite

import (
	"fmt"
	"strconv"
	"strings"
)

// minVersion is the oldest SQLite accepted: before it, resetting the write-ahead log could corrupt a file that
// several connections write and checkpoint at once.
const minVersion = "3.51.3"

// checkVersion refuses a SQLite older than [minVersion].
func checkVersion(c *Conn) error {
	version, err := c.text(`SELECT sqlite_version()`)
	if err != nil {
		return err
	}
	if olderThan(version, minVersion) {
		return fmt.Errorf("SQLite %s can corrupt files; at least %s is needed", version, minVersion)
	}
	return nil
}

// olderThan compares two dotted version numbers. What is no number counts as 0.
func olderThan(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		x, y := component(as, i), component(bs, i)
		if x != y {
			return x < y
		}
	}
	return false
}

func component(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	n, _ := strconv.Atoi(parts[i])
	return n
}
