//go:build !windows

package runner

import (
	"os"
	"runtime"
	"syscall"
)

func supported() error { return nil }

// ownSession keeps Puppet out of the terminal's reach, and out of its signals'.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func signalProcess(pid int, sig syscall.Signal) error { return syscall.Kill(pid, sig) }

func setNice(pid, nice int) error { return syscall.Setpriority(syscall.PRIO_PROCESS, pid, nice) }

// signalName is the signal that ended a process; empty when it exited.
func signalName(ps *os.ProcessState) string {
	ws, ok := ps.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() {
		return ""
	}
	if name, ok := signalNames[ws.Signal()]; ok {
		return name
	}
	return ws.Signal().String()
}

// maxRSS is in bytes; Linux and the BSDs count in KiB, macOS in bytes.
func maxRSS(ps *os.ProcessState) int64 {
	ru, ok := ps.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(ru.Maxrss) //nolint:unconvert // it is an int32 on 32-bit systems
	}
	return int64(ru.Maxrss) << 10 //nolint:unconvert // as above
}
