//go:build race

package server

// racing says that the race detector is watching, which makes every stack larger.
const racing = true
