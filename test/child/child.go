//go:build linux

// Package child starts programs that end with the test process, even with one that is killed.
package child

import (
	"os/exec"
	"runtime"
	"syscall"
)

// Start starts a program that gets the signal when this process ends. The channel is closed when the program has ended;
// cmd.ProcessState says how.
//
// Linux sends that signal at the end of the thread that started the program, not of the process. So the thread is kept
// for as long as the program runs: any other may end with a goroutine that was locked to it, and would take along the
// programs that it had once started.
func Start(cmd *exec.Cmd, atDeath syscall.Signal) (ended <-chan struct{}, err error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = atDeath
	done, started := make(chan struct{}), make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // ProcessState says as much as its error
			close(done)
		}
	}()
	return done, <-started
}
