//go:build linux

package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/puppet-cron/puppet-cron/test/child"
)

// process is a server while it runs.
type process struct {
	cmd   *exec.Cmd
	ended <-chan struct{}
}

// begin starts the server. What it says is in the file log of its directory.
func begin(cmd *exec.Cmd) (*process, error) {
	log, err := os.OpenFile(filepath.Join(cmd.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	ended, err := child.Start(cmd, syscall.SIGQUIT) // at once, with all its children
	return &process{cmd, ended}, err
}

// kill ends the server first, for it would replace its children.
func (p *process) kill() error {
	children, err := childrenOf(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	for _, pid := range children {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	<-p.ended
	return awaitGone(children)
}

// awaitGone: a new server refuses to start beside children of the old one.
func awaitGone(pids []int) error {
	for deadline := time.Now().Add(timeout); ; time.Sleep(time.Millisecond) {
		alive := 0
		for _, pid := range pids {
			if state, _, err := stat(pid); err == nil && state != "Z" {
				alive++
			}
		}
		if alive == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d children of PostgreSQL do not end", alive)
		}
	}
}

// stop ends the server without waiting for those who are connected.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(timeout):
		return errors.Join(errors.New("PostgreSQL does not stop"), p.kill())
	}
}

func childrenOf(parent int) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if _, ppid, err := stat(pid); err == nil && ppid == parent {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// stat gives the state and the parent of a process, which follow its name in parentheses.
func stat(pid int) (state string, ppid int, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0, err
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(fields) < 2 {
		return "", 0, fmt.Errorf("/proc/%d/stat cannot be read", pid)
	}
	ppid, err = strconv.Atoi(fields[1])
	return fields[0], ppid, err
}
