//go:build unix

package build

import (
	"context"
	"os/exec"
	"syscall"
)

// shell is a command for the shell in a process group of its own, all of which is told to end when ctx does.
func shell(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	return cmd
}
