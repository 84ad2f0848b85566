//go:build machine

package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// offTimeout bounds the end of a machine that is killed: 50 ms as a rule.
const offTimeout = 30 * time.Second

// A power is the script `hold`: it keeps the machine running while we hold its standard input open, and ends it even if
// this process is killed.
type power struct {
	dir    string
	stdin  io.WriteCloser
	boots  *boots
	ended  chan struct{} // closed when the script has ended
	err    error         // then: that it failed, and what it said
	stderr bytes.Buffer
}

func powerOn(tree string, init Init, hostname string, options []string) (_ *power, err error) {
	dir, err := os.MkdirTemp("", "puppet-cron-machine-")
	if err != nil {
		return nil, err
	}
	p := &power{dir: dir, ended: make(chan struct{})}
	if p.boots, err = listen(filepath.Join(dir, "notify")); err == nil {
		err = p.hold(tree, init, hostname, options)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return p, nil
}

func (p *power) hold(tree string, init Init, hostname string, options []string) (err error) {
	cmd := exec.Command(filepath.Join(sourceDir(), "hold"), append([]string{tree, p.dir, hostname}, options...)...)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+p.boots.path, "MACHINE_INIT="+string(init))
	cmd.Stderr = &p.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid:       true, // a Ctrl-C is for the test, the end of stdin for the script
		Unshareflags: syscall.CLONE_NEWNS,
	}
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		p.err = cmd.Wait()
		if p.stderr.Len() > 0 {
			p.err = errors.Join(p.err, errors.New(p.stderr.String()))
		}
		close(p.ended)
	}()
	return nil
}

// boot waits for the end of the boot under way and returns the machine's first process.
func (p *power) boot(ctx context.Context) (leader int, err error) {
	select {
	case leader := <-p.boots.complete:
		return leader, nil
	case <-p.ended:
		return 0, fmt.Errorf("the machine has ended: %w", p.err)
	case <-ctx.Done():
		console, _ := os.ReadFile(filepath.Join(p.dir, "console"))
		return 0, fmt.Errorf("not complete: %w\n%s", ctx.Err(), console)
	}
}

func (p *power) cut() error {
	_, err := io.WriteString(p.stdin, "cut\n")
	return err
}

func (p *power) off() error {
	p.stdin.Close()
	defer p.boots.close()
	select {
	case <-p.ended:
		return p.err
	case <-time.After(offTimeout):
		return fmt.Errorf("still running after %s", offTimeout)
	}
}
