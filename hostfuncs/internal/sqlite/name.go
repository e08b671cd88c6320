package sqlite

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// nameBytesMax is the longest form of an id in the name of a file.
const nameBytesMax = 120

// FileName gives the name of the file of what has the given id among its kind, such as "kv-notes.sqlite". Distinct ids have distinct
// names on every file system, also one that takes upper and lower case for the same.
func FileName(kind, id string) string {
	var b strings.Builder
	for _, c := range []byte(id) {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "~%02x", c)
		}
	}
	name := b.String()
	if len(name) > nameBytesMax {
		sum := sha256.Sum256([]byte(id))
		name = name[:nameBytesMax-64] + "~~" + hex.EncodeToString(sum[:])
	}
	return kind + "-" + name + ".sqlite"
}
