package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is set by the linker in released builds.
var release = ""

type versionCmd struct{}

// Run shows the versions of pagesrun, Go and the engine.
func (versionCmd) Run() error {
	_, err := fmt.Println(versionLine())
	return err
}

func versionLine() string {
	return fmt.Sprintf("pagesrun %s (%s, %s/%s, wazero %s)", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH, dependency("github.com/tetratelabs/wazero"))
}

// version is the released version, or the module's as the Go toolchain knows it.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "development"
}

func dependency(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dep := range info.Deps {
		if dep.Path == path {
			return dep.Version
		}
	}
	return "unknown"
}
