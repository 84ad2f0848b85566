package runner

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"time"
)

// askTimeout bounds how long Puppet is not told to stop because systemd does not answer.
const askTimeout = 2 * time.Second

// goesDown reports whether the system is shutting down or rebooting. Only systemd can
// be asked, and in a container that has none nobody is.
func goesDown() bool {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return false
	}
	return isShutdown("/proc/1/comm") || systemdStops()
}

// isShutdown knows the program that takes systemd's place when all units are stopped,
// and kills what is left, such as a run of somebody's shell. It answers no questions.
func isShutdown(comm string) bool {
	name, err := os.ReadFile(comm)
	return err == nil && strings.HasPrefix(string(name), "systemd-shutdow") // the kernel keeps 15 letters
}

// systemdStops asks by way of systemctl, which needs no bus when it is root's. That
// shutdown.target has a job is the one sign that is there before any unit is told to
// stop; files such as /run/nologin come at about the same time.
func systemdStops() bool {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "systemctl", "--no-ask-password", "is-system-running")
	cmd.WaitDelay = askTimeout
	state, _ := cmd.Output() // it fails in every state but running
	return strings.TrimSpace(string(state)) == "stopping"
}
