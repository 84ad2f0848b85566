package runner

import (
	"context"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/state"
)

// watchEvery is how often a run in progress is looked at.
const watchEvery = 100 * time.Millisecond

// supervise starts Puppet, watches it and ends it at the deadline or when the
// runner is told to stop. It reports whether another agent held one of Puppet's
// locks meanwhile.
func (a *attempt) supervise(ctx context.Context) (end puppet.Ending, other bool, err error) {
	output, err := openOutput(a.State.OutputLog(a.claim.ID))
	if err != nil {
		return end, false, err
	}
	defer func() {
		if err := closeOutput(output); err != nil {
			a.Log.Warn("cannot close puppet's output", "error", err)
		}
	}()
	cmd := a.command(output)
	oom := oomKills()
	end.Started = time.Now()
	a.run.Started = &end.Started
	a.running.Started, a.running.TimeoutS = &end.Started, a.timeout.Seconds()
	a.running.NoCacheFallback = a.options.NoCacheFallback()
	a.running.Puppet = nil                         // not the one of an earlier try
	if err := a.step(state.Applying); err != nil { // before the start: an orphan must be known
		return end, false, err
	}
	if err := cmd.Start(); err != nil {
		end.StartErr, end.Ended = err, time.Now()
		return end, false, nil
	}
	root := a.began(cmd.Process.Pid)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // its error says no more than ProcessState does
	}()
	w := watch{attempt: a, root: root, output: output}
	end.Stopped = w.untilDone(ctx, done, end.Started.Add(a.timeout))
	end.Ended = time.Now()
	readStatus(&end, cmd.ProcessState)
	end.OOM = end.Signal == "SIGKILL" && oomKills().grewFrom(oom)
	a.account(end, cmd.ProcessState)
	return end, w.other, nil
}

// command is Puppet's process. Its output goes to a file, never through a pipe of
// ours: Puppet fails a run when the other end of its pipe goes away.
func (a *attempt) command(output *os.File) *exec.Cmd {
	cmd := exec.Command(a.binary, a.options.Argv()...)
	cmd.Dir = "/"
	cmd.Env = append(puppet.Environ(a.Environ), runMark+"="+a.claim.ID)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.ExtraFiles = []*os.File{a.lock.File()}
	cmd.SysProcAttr = ownSession()
	return cmd
}

// runMark is in the environment of Puppet and of all that it starts: it tells a
// process that inherited run.lock from one that took it.
const runMark = "PUPPET_CRON_RUN"

// began notes Puppet's process. When that fails the run goes on: an adopter finds
// Puppet by the lock that it holds.
func (a *attempt) began(pid int) process.ID {
	p, err := process.Find(pid)
	if err != nil {
		a.Log.Warn("cannot look at the puppet just started", "error", err)
		p.ID = process.ID{PID: pid}
	}
	if n := a.Config.Puppet.Nice; n != 0 {
		if err := setNice(pid, n); err != nil {
			a.run.Warnings = append(a.run.Warnings, "puppet.nice could not be set: "+err.Error())
		}
	}
	a.running.Puppet = &p.ID
	if err := a.step(state.Applying); err != nil {
		a.Log.Warn("cannot note puppet's process", "error", err)
	}
	return p.ID
}

// watch looks after a Puppet that runs.
type watch struct {
	*attempt
	root   process.ID
	output *os.File
	other  bool // another agent held one of Puppet's locks
}

func (w *watch) untilDone(ctx context.Context, done <-chan struct{}, deadline time.Time) puppet.Stop {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for {
		select {
		case <-done:
			return w.ended()
		case <-tick.C:
			w.look()
		case <-timer.C:
			return w.stop(done, puppet.ByDeadline)
		case <-ctx.Done():
			return w.stop(done, stopFor(ctx))
		}
	}
}

// ended looks a last time when Puppet has ended by itself.
func (w *watch) ended() puppet.Stop {
	w.look()
	w.run.LeftRunning = leftRunning()
	return puppet.NotStopped
}

// stop ends Puppet, unless it has ended by itself in the same instant: a select
// that finds both takes either.
func (w *watch) stop(done <-chan struct{}, why puppet.Stop) puppet.Stop {
	select {
	case <-done:
		return w.ended()
	default:
		w.end(done)
		return why
	}
}

// look notes who else holds Puppet's locks, and keeps the output in its bounds.
func (w *watch) look() {
	if lock, _ := w.known.Settings.RunInProgress(); lock != nil && !w.isOurs(lock.PID) {
		w.other = true
	}
	if err := capOutput(w.output); err != nil {
		w.Log.Warn("cannot shorten puppet's output", "error", err)
	}
}

// isOurs reports whether pid is our Puppet or below it: the vendor's wrapper starts
// the Puppet that takes the lock.
func (w *watch) isOurs(pid int) bool {
	for range 16 {
		if pid == w.root.PID {
			return true
		}
		p, err := process.Find(pid)
		if err != nil || p.Parent <= 1 {
			return false
		}
		pid = p.Parent
	}
	return false
}

func (w *watch) end(done <-chan struct{}) {
	if err := w.step(state.Ending); err != nil {
		w.Log.Warn("cannot note that puppet is being ended", "error", err)
	}
	t := newTree(w.root, true)
	t.end(w.Graces, done)
	w.run.LeftRunning = t.spared()
}

// leftRunning names what a run that ended by itself left behind. Nothing of it is
// touched.
func leftRunning() []api.Process {
	if !process.HasChildren() {
		return nil
	}
	return newTree(process.ID{}, true).spared()
}

// readStatus turns the system's word on how the process ended into ours. A shell
// wrapper around Puppet exits with 128+n when signal n ended Puppet; Puppet's own
// codes end at 12, but for 254 and 255.
func readStatus(end *puppet.Ending, ps *os.ProcessState) {
	code := ps.ExitCode()
	if name := signalName(ps); name != "" {
		end.Signal = name
		return
	}
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGKILL, syscall.SIGTERM} {
		if code == 128+int(s) {
			end.Signal = signalNames[s]
			return
		}
	}
	end.ExitCode = &code
}

var signalNames = map[syscall.Signal]string{
	syscall.SIGHUP: "SIGHUP", syscall.SIGINT: "SIGINT", syscall.SIGQUIT: "SIGQUIT", syscall.SIGILL: "SIGILL",
	syscall.SIGABRT: "SIGABRT", syscall.SIGFPE: "SIGFPE", syscall.SIGKILL: "SIGKILL", syscall.SIGSEGV: "SIGSEGV",
	syscall.SIGPIPE: "SIGPIPE", syscall.SIGALRM: "SIGALRM", syscall.SIGTERM: "SIGTERM", syscall.SIGBUS: "SIGBUS",
}

// oomCount is how often the kernel killed a process of a cgroup for want of memory.
type oomCount struct {
	file  string // which tells
	kills int
}

// grewFrom: the counts of two cgroups, when this process was moved between them, say
// nothing about each other.
func (c oomCount) grewFrom(before oomCount) bool {
	return c.file == before.file && c.kills > before.kills
}

func (a *attempt) account(end puppet.Ending, ps *os.ProcessState) {
	a.run.Usage = &api.Usage{
		WallS: end.Ended.Sub(end.Started).Seconds(),
		CPUS:  (ps.UserTime() + ps.SystemTime()).Seconds(), MaxRSSBytes: maxRSS(ps),
	}
}
