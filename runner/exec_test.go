//go:build !windows

package runner_test

import (
	"os/exec"
	"syscall"
)

// osExec prepares a command that is nobody's child session-wise, as another user's
// terminal would start it.
func osExec(_ *bench, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}
