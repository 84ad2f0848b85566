//go:build unix

package hook

import (
	"os"
	"strconv"
	"syscall"
)

// executableByMode: a program has an x among its permissions.
const executableByMode = true

// ownSession keeps a program out of the terminal's reach, and us out of its signals'.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func signalProcess(pid int, sig syscall.Signal) error { return syscall.Kill(pid, sig) }

// groupOf is 0 when it is not known.
func groupOf(pid int) int {
	group, err := syscall.Getpgid(pid)
	if err != nil {
		return 0
	}
	return group
}

// keepDescriptors keeps from what is executed whatever this process was itself handed
// by its parent: Go sees to its own files only.
func keepDescriptors() {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}
