package build

import (
	"context"
	"os/exec"
)

// shell is a command for the shell.
func shell(ctx context.Context, command string) *exec.Cmd {
	return exec.CommandContext(ctx, "cmd", "/C", command)
}
