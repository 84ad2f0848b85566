//go:build !windows

package puppet

import "syscall"

func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// killSession also ends the Ruby that the vendor's wrapper started.
func killSession(leader int) error { return syscall.Kill(-leader, syscall.SIGKILL) }
