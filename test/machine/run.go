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
	"strconv"
	"strings"
	"time"
)

// runTimeout bounds a command: a run of Puppet takes ten seconds on a busy host.
const runTimeout = 3 * time.Minute

// denied are the capabilities that systemd-nspawn withholds from a machine. Entering it as root does not lose them: without
// this a `date --set` in the machine would set the host's clock.
const denied = "-ipc_lock,-sys_module,-sys_rawio,-sys_pacct,-sys_time,-mac_override,-mac_admin,-syslog,-wake_alarm," +
	"-block_suspend,-audit_read,-perfmon,-bpf,-checkpoint_restore"

// RunError is a command that could not be run or did not succeed.
type RunError struct {
	Args   []string
	Code   int // the exit code, or -1 if there was none
	Stderr string
	Err    error
}

func (e *RunError) Error() string {
	return fmt.Sprintf("%s: %v: %s", strings.Join(e.Args, " "), e.Err, strings.TrimSpace(e.Stderr))
}

func (e *RunError) Unwrap() error { return e.Err }

// Run runs a command in the machine as root, with nothing in its environment but PATH, HOME and LC_ALL, and returns its
// standard output. The error is a *RunError.
func (m *Machine) Run(args ...string) (stdout string, err error) {
	return m.run(strings.NewReader(""), args) // a pipe, as the machine is not to get at the host's /dev/null
}

// MustRun is Run for a command that has to succeed.
func (m *Machine) MustRun(args ...string) string {
	m.t.Helper()
	out, err := m.Run(args...)
	if err != nil {
		m.t.Fatalf("%v\n%s", err, out)
	}
	return out
}

func (m *Machine) run(stdin io.Reader, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), runTimeout)
	defer cancel()
	enter := []string{"--target", strconv.Itoa(m.leader), "--all", "setpriv", "--bounding-set", denied, "--"}
	cmd := exec.CommandContext(ctx, "nsenter", append(enter, args...)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"}
	cmd.Dir = "/"
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	cmd.WaitDelay = time.Second // what the command leaves behind may hold its output open
	err := cmd.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return stdout.String(), nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return stdout.String(), &RunError{Args: args, Code: cmd.ProcessState.ExitCode(), Stderr: stderr.String(), Err: err}
}

// Path is where the host finds a file of the machine until its next boot. Mind that an absolute link on the way leads to
// the host's own files.
func (m *Machine) Path(path string) string {
	return filepath.Join("/proc", strconv.Itoa(m.leader), "root", path)
}

// CopyIn puts a file of the host into the machine, in place of one that may be in use, and makes its folder.
func (m *Machine) CopyIn(hostFile, path string, mode os.FileMode) {
	m.t.Helper()
	file, err := os.Open(hostFile)
	if err != nil {
		m.t.Fatal(err)
	}
	defer file.Close()
	install := []string{"install", "-D", "--mode", fmt.Sprintf("%o", mode.Perm()), "/dev/stdin", path}
	if _, err := m.run(file, install); err != nil {
		m.t.Fatalf("copy %s into the machine: %v", hostFile, err)
	}
}
