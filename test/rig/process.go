//go:build linux

// Package rig starts the real programs that the tests of the way to the centre need: collectors, a balancer before them,
// agents. Each of them ends with the test, even with one that is killed.
package rig

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/test/child"
)

// Patience bounds every wait for something that comes within seconds on an idle machine.
const Patience = 90 * time.Second

// Process is a program of the test's that may be killed and started again.
type Process struct {
	t       testing.TB
	command func() *exec.Cmd
	log     *os.File

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended <-chan struct{}
}

// Start starts a program; command makes each life's command. What they print is shown when the test fails.
func Start(t testing.TB, name string, command func() *exec.Cmd) *Process {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{t: t, command: command, log: log}
	p.Start()
	t.Cleanup(func() {
		p.Stop()
		log.Close()
		if t.Failed() {
			t.Logf("the end of what %s said:\n%s", name, tail(log.Name()))
		}
	})
	return p
}

// Start begins another life of the program, unless it lives.
func (p *Process) Start() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.alive() {
		return
	}
	cmd := p.command()
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	ended, err := child.Start(cmd, syscall.SIGKILL)
	if err != nil {
		p.t.Fatalf("start %s: %v", cmd.Path, err)
	}
	p.cmd, p.ended = cmd, ended
}

func (p *Process) alive() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Alive reports whether the program runs.
func (p *Process) Alive() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.alive()
}

// PID is that of the program's last life.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

// Kill ends the program as a power cut does, and returns when it is gone.
func (p *Process) Kill() { p.end(syscall.SIGKILL) }

// Stop ends the program in good order, or after 30 s in any.
func (p *Process) Stop() { p.end(syscall.SIGTERM, syscall.SIGKILL) }

func (p *Process) end(signals ...syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, sig := range signals {
		if !p.alive() {
			return
		}
		p.cmd.Process.Signal(sig)
		select {
		case <-p.ended:
		case <-time.After(30 * time.Second):
		}
	}
}

// ExitCode is that of the life that ended last; -1 when a signal ended it.
func (p *Process) ExitCode() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.ProcessState.ExitCode()
}

// Said is all that the program printed, in all its lives.
func (p *Process) Said() string {
	text, _ := os.ReadFile(p.log.Name())
	return string(text)
}

func tail(path string) string {
	text, _ := os.ReadFile(path)
	lines := strings.Split(string(text), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}

// FreeAddress is an address on loopback that nobody listens on now.
func FreeAddress(t testing.TB) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	return free.Addr().String()
}

// Eventually waits until ok says so.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain: %s", Patience, what)
		}
	}
}

// Listening waits until somebody accepts connections at an address.
func Listening(t testing.TB, address string) {
	t.Helper()
	Eventually(t, "somebody at "+address, func() bool {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
}

// Killable is what a test may kill and start again.
type Killable interface {
	Kill()
	Start()
}
