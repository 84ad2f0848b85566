//go:build lab

package e2e

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/state"
)

// deadline is enough for Puppet to get as far as its catalog on a busy machine.
const deadline = "--timeout=20s"

func TestTimedOut(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	run := h.start("slow", deadline)
	sleep := h.work("sleep.pid")
	r := run.record()
	want{outcome: api.TimedOut, source: api.FromServer}.check(t, r)
	if alive(sleep) {
		t.Error("what Puppet had started goes on")
	}
	h.nothingLeft(r)
}

// nothingLeft demands that the run left nothing running and the locks free.
func (h *host) nothingLeft(r *api.Run) {
	h.t.Helper()
	if len(r.LeftRunning) > 0 {
		h.t.Errorf("left running: %+v", r.LeftRunning)
	}
	if s, _ := h.status(); s.Running != nil || s.PuppetLock != nil {
		h.t.Errorf("still running %+v, Puppet's lock %+v", s.Running, s.PuppetLock)
	}
}

// TestStubborn: what ignores TERM, in a session of its own and with a child, is gone within the graces.
func TestStubborn(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	run := h.start("stubborn", deadline)
	stubborn, grandchild := h.work("stubborn.pid"), h.work("grandchild.pid")
	r := run.record()
	if r.Outcome != api.TimedOut {
		t.Errorf("the run is %s", r.Outcome)
	}
	if alive(stubborn) || alive(grandchild) {
		t.Errorf("alive: the exec %v, its child %v", alive(stubborn), alive(grandchild))
	}
	if took := r.Ended.Sub(*r.Started); took > 50*time.Second {
		t.Errorf("the run took %s: 20 s and the graces of 15, 5, 5 s and a moment at most", took)
	}
	h.nothingLeft(r)
}

// TestDaemonLivesOn: the deadline spares what had detached itself, and names it.
func TestDaemonLivesOn(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	run := h.start("daemon", deadline)
	daemon, sleep := h.work("daemon.pid"), h.work("sleep.pid")
	t.Cleanup(func() { syscall.Kill(daemon, syscall.SIGKILL) })
	r := run.record()
	if r.Outcome != api.TimedOut || alive(sleep) || !alive(daemon) {
		t.Errorf("the run is %s; alive: the exec %v, the daemon %v", r.Outcome, alive(sleep), alive(daemon))
	}
	if len(r.LeftRunning) != 1 || r.LeftRunning[0].PID != daemon || !strings.Contains(r.LeftRunning[0].Command, "sleep 300") {
		t.Errorf("left running %+v, want the daemon %d", r.LeftRunning, daemon)
	}
}

// TestRunTimeout: Puppet's own limit ends Puppet, but not what it had started.
func TestRunTimeout(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.set("runtimeout", "12")
	run := h.start("slow")
	sleep := h.work("sleep.pid")
	r := run.record()
	want{outcome: api.TimedOut, exit: 1, source: api.FromServer, failure: "execution expired"}.check(t, r)
	h.leftAlone(r, sleep)
}

// TestPuppetEnded: somebody else ends Puppet during an exec. Nothing of ours ends the exec.
func TestPuppetEnded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		signal syscall.Signal
		want   want
	}{
		{syscall.SIGTERM, want{outcome: api.Interrupted, reason: api.BySignal, source: api.FromServer}},
		{syscall.SIGINT, want{outcome: api.Interrupted, reason: api.BySignal, source: api.FromServer}},
		{syscall.SIGKILL, want{outcome: api.Interrupted, reason: api.Killed, exit: noExit, signal: "SIGKILL"}},
	} {
		t.Run(c.signal.String(), func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			run := h.start("slow")
			sleep := h.work("sleep.pid")
			kill(t, h.puppet(), c.signal)
			r := run.record()
			c.want.check(t, r)
			h.leftAlone(r, sleep)
			want{outcome: api.Unchanged, source: api.FromServer}.check(t, h.run("unchanged"))
		})
	}
}

// leftAlone demands that a process that the run left behind lives on and is named, and ends it.
func (h *host) leftAlone(r *api.Run, pid int) {
	h.t.Helper()
	if !alive(pid) {
		h.t.Error("what Puppet left behind was ended")
	}
	if !slices.ContainsFunc(r.LeftRunning, func(p api.Process) bool { return p.PID == pid }) {
		h.t.Errorf("left running %+v, want %d", r.LeftRunning, pid)
	}
	kill(h.t, pid, syscall.SIGKILL)
}

// TestRunnerEndedBeforePuppet: the runner waits for a plain agent when it is told to stop, or killed.
func TestRunnerEndedBeforePuppet(t *testing.T) {
	t.Parallel()
	t.Run("TERM", func(t *testing.T) {
		t.Parallel()
		h := newHost(t)
		run := h.waiting()
		run.signal(syscall.SIGTERM)
		want{outcome: api.Interrupted, reason: api.BySignal, exit: noExit}.check(t, run.record())
	})
	t.Run("KILL", func(t *testing.T) {
		t.Parallel()
		h := newHost(t)
		run := h.waiting()
		run.signal(syscall.SIGKILL)
		run.wait()
		want{outcome: api.Unchanged, source: api.FromServer}.check(t, h.run("unchanged"))
		ids := h.ids()
		if len(ids) != 2 {
			t.Fatalf("%d runs, want 2", len(ids))
		}
		want{outcome: api.Interrupted, reason: api.Killed, exit: noExit}.check(t, h.recordOf(ids[1]))
	})
}

// waiting is a run that waits for Puppet's lock, which a plain agent has.
func (h *host) waiting() *aRun {
	h.t.Helper()
	h.plainAgent("slow10")
	h.catalogLock()
	run := h.start("unchanged")
	h.phase(state.Waiting)
	return run
}

// plainAgent starts a `puppet agent -t`, as a person would call it.
func (h *host) plainAgent(scenario string) *running {
	h.t.Helper()
	cmd := exec.Command("puppet", "agent", "--test", "--confdir", h.Confdir)
	cmd.Env = h.Env(scenario)
	return start(h.t, cmd)
}

func TestRunnerToldToStop(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			run := h.start("slow")
			sleep := h.work("sleep.pid")
			run.signal(sig)
			r := run.record()
			want{outcome: api.Interrupted, reason: api.BySignal, source: api.FromServer}.check(t, r)
			if alive(sleep) {
				t.Error("what Puppet had started goes on")
			}
			h.nothingLeft(r)
		})
	}
}

// TestRunnerKilledDuringPuppet: the run goes on without its runner, and the next runner finds out its true outcome
// instead of starting Puppet a second time.
func TestRunnerKilledDuringPuppet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		after func(h *host)
		want  want
	}{
		{"to its end", func(*host) {}, want{
			outcome: api.Changed, exit: noExit, source: api.FromServer, changed: 1, warning: "exit code is not known",
		}},
		{"and Puppet told to stop", func(h *host) { kill(h.t, h.catalogLock(), syscall.SIGTERM) }, want{
			outcome: api.Interrupted, reason: api.BySignal, exit: noExit, source: api.FromServer,
			warning: "exit code is not known",
		}},
		{"and Puppet killed", func(h *host) { kill(h.t, h.catalogLock(), syscall.SIGKILL) }, want{
			outcome: api.Interrupted, reason: api.Killed, exit: noExit, warning: "exit code is not known",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			run := h.start("slow10")
			puppet := h.catalogLock()
			h.applying()
			run.signal(syscall.SIGKILL)
			run.wait()
			if !alive(puppet) {
				t.Fatal("Puppet went with its runner")
			}
			next := h.start("unchanged")
			eventually(t, "a second run", func() bool { return len(h.ids()) == 2 })
			c.after(h)
			second := next.record()
			want{outcome: api.Skipped, reason: api.Locked, exit: noExit}.check(t, second)
			if alive(puppet) {
				t.Error("the second runner did not wait for the orphan")
			}
			ids := h.ids()
			if len(ids) != 2 || ids[0] != second.ID {
				t.Fatalf("runs %v, want two", ids)
			}
			c.want.check(t, h.recordOf(ids[1]))
			if exists(h.state.OutputLog(second.ID)) {
				t.Error("Puppet was started a second time")
			}
		})
	}
}

// TestRunnerEndedAfterPuppet: Puppet is gone, and the runner looks at a mute server to learn why there was no catalog.
func TestRunnerEndedAfterPuppet(t *testing.T) {
	t.Parallel()
	verdict := want{outcome: api.Errored, reason: api.ServerUnreachable, exit: 1, failure: "timed out"}
	t.Run("TERM", func(t *testing.T) {
		t.Parallel()
		h := newHost(t)
		run := h.probing()
		run.signal(syscall.SIGTERM)
		verdict.check(t, run.record())
	})
	t.Run("KILL", func(t *testing.T) {
		t.Parallel()
		h := newHost(t)
		run := h.probing()
		run.signal(syscall.SIGKILL)
		run.wait()
		second := h.run("unchanged")
		verdict.check(t, second)
		ids := h.ids()
		if len(ids) != 2 || ids[0] != second.ID {
			t.Fatalf("runs %v, want two", ids)
		}
		adopted := verdict
		adopted.exit, adopted.warning = noExit, "exit code is not known"
		adopted.check(t, h.recordOf(ids[1]))
	})
}

// probing is a run whose Puppet has ended and that has no record yet.
func (h *host) probing() *aRun {
	h.t.Helper()
	mute(h.t, h)
	run := h.start("unchanged")
	puppet := h.puppet()
	eventually(h.t, "Puppet's end, and its runner to know", func() bool {
		_, err := process.Find(puppet) // not even a zombie
		return err != nil
	})
	return run
}

// TestHangup: the terminal is gone, the run goes on.
func TestHangup(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	run := h.start("slow10")
	h.catalogLock()
	run.signal(syscall.SIGHUP)
	want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 1}.check(t, run.record())
}

// TestTerminalGone closes the other end of the run's terminal by killing the program that has it.
func TestTerminalGone(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	cmd := h.puppetCron("slow10", "run")
	terminal := exec.Command("script", "--quiet", "--return", "--command", cmd.String(), "/dev/null")
	terminal.Env = cmd.Env
	script := start(t, terminal)
	h.catalogLock()
	running, err := h.state.Running()
	if err != nil {
		t.Fatal(err)
	}
	script.signal(syscall.SIGKILL)
	script.wait()
	eventually(t, "the runner's end", func() bool { return !running.Runner.Alive() })
	want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 1}.check(t, h.onlyRecord())
}

// onlyRecord is the record of the only run that there is.
func (h *host) onlyRecord() *api.Run {
	h.t.Helper()
	ids := h.ids()
	if len(ids) != 1 {
		h.t.Fatalf("runs %v, want one", ids)
	}
	return h.recordOf(ids[0])
}

// TestReaderGone: nobody reads what the run prints, as behind `| head -n0`.
func TestReaderGone(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"run"}, {"run", "--json"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			reader, writer, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			reader.Close()
			cmd := h.puppetCron("changed", args...)
			cmd.Stdout = writer
			run := start(t, cmd)
			writer.Close()
			if exit := run.wait(); exit != 2 {
				t.Errorf("exit %d, want that of a changed run\n%s", exit, run.stderr.Bytes())
			}
			want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 2}.check(t, h.onlyRecord())
		})
	}
}
