package pagesrun

import (
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/guest-sdk/go/internal/host"
)

// Level is the level of a log line.
type Level uint32

// The levels.
const (
	LevelDebug Level = abi.LogDebug
	LevelInfo  Level = abi.LogInfo
	LevelWarn  Level = abi.LogWarn
	LevelError Level = abi.LogError
)

// Log writes one log line, which the host attributes to the running event. Lines over the host's limit are dropped. What is printed to
// stdout and stderr is logged too, at the levels info and warn.
func Log(level Level, text string) { host.Log(uint32(level), text) }
