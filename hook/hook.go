// Package hook executes the admin's own programs: the ones that hear of runs, and the
// one that may keep a run off. Each is checked before it is executed, gets a session
// of its own, is bounded in time and in output, and leaves nothing behind.
package hook

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/printable"
	"github.com/puppet-cron/puppet-cron/internal/process"
)

// Mark is in the environment of a program and of all that it starts. It tells them
// from what Puppet has left running.
const Mark = "PUPPET_CRON_HOOK"

// Program is a program of the admin's, with what it is given.
type Program struct {
	Path  string
	Args  []string
	Env   []string
	Stdin *os.File // nil is nothing
	Limit time.Duration
	// Kind is what the program is to us; it is the value of Mark.
	Kind string
	// NotOurs is a variable in the environment of processes below this one that are
	// not to be touched.
	NotOurs string
}

// Result is what became of a program.
type Result struct {
	// Err says that the program was refused or broken: there is no exit code then, or
	// none that could be trusted.
	Err    error
	Exit   int
	Output []byte // the beginning of it
	// Ended are the processes that it left, now ended; Living those that could not be
	// ended, or that may not be its own.
	Ended, Living []process.Process
}

// Left names the processes that the program left, and what became of them.
func (r Result) Left() string {
	var parts []string
	if len(r.Ended) > 0 {
		parts = append(parts, "ended "+names(r.Ended))
	}
	if len(r.Living) > 0 {
		parts = append(parts, "still running "+names(r.Living))
	}
	return strings.Join(parts, "; ")
}

// names bounds how many are named, and how much of each.
func names(list []process.Process) string {
	const most, width = 5, 80
	var parts []string
	for _, p := range list[:min(len(list), most)] {
		parts = append(parts, fmt.Sprintf("%d (%s)", p.PID, printable.Short(p.Command, width)))
	}
	if more := len(list) - most; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}

// maxOutput is what a program may print; keptOutput is how much of it is kept.
const (
	maxOutput  = 1 << 20
	keptOutput = 8 << 10
)

// Run checks and executes the program and sees to its end.
func (p Program) Run(ctx context.Context) Result {
	if err := Check(p.Path); err != nil {
		return Result{Err: fmt.Errorf("%w: %w", ErrRefused, err)}
	}
	keepDescriptors()
	out, err := newOutput()
	if err != nil {
		return Result{Err: err}
	}
	defer out.close()
	t := newTree(p.NotOurs)
	cmd := p.command(out)
	if err := cmd.Start(); err != nil {
		return Result{Err: cannotExecute(err)}
	}
	out.begin()
	t.began(cmd.Process.Pid)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // its error says no more than ProcessState does
	}()
	r := Result{Err: p.wait(ctx, done, out)}
	r.Ended, r.Living = t.end(done, r.Err == nil)
	r.Output = out.kept()
	select {
	case <-done:
		p.judge(&r, cmd.ProcessState)
	default: // it hangs in the kernel
	}
	return r
}

func (p Program) command(out *output) *exec.Cmd {
	cmd := exec.Command(p.Path, p.Args...)
	cmd.Dir = "/"
	cmd.Env = slices.Concat(p.Env, []string{Mark + "=" + p.Kind})
	if p.Stdin != nil {
		cmd.Stdin = p.Stdin
	}
	cmd.Stdout, cmd.Stderr = out.w, out.w
	cmd.SysProcAttr = ownSession()
	return cmd
}

// wait returns when the program has ended, or says why it must be.
func (p Program) wait(ctx context.Context, done <-chan struct{}, out *output) error {
	limit := time.NewTimer(p.Limit)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
		return fmt.Errorf("did not end within %v and was ended", p.Limit.Round(time.Millisecond))
	case <-ctx.Done():
		return fmt.Errorf("was ended: %w", context.Cause(ctx))
	case <-out.flood:
	}
	return out.tooMuch()
}

func (p Program) judge(r *Result, ps *os.ProcessState) {
	r.Exit = ps.ExitCode()
	if r.Err == nil && r.Exit < 0 {
		r.Err = fmt.Errorf("was ended by a signal (%s)", ps)
	}
}
