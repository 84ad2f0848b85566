//go:build lab

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

// TestLockHeld: a plain agent has Puppet's lock.
func TestLockHeld(t *testing.T) {
	t.Parallel()
	t.Run("and is waited for", func(t *testing.T) {
		t.Parallel()
		h := newHost(t)
		agent := h.plainAgent("slow10")
		pid := h.catalogLock()
		run := h.start("unchanged")
		h.phase(state.Waiting)
		s, _ := h.status()
		if s.PuppetLock == nil || s.PuppetLock.PID != pid || s.Running == nil || s.IfAsked != scheduler.Skip {
			t.Errorf("status: lock %+v, running %+v, a run now would %s", s.PuppetLock, s.Running, s.IfAsked)
		}
		r := run.record()
		want{outcome: api.Unchanged, source: api.FromServer}.check(t, r)
		if agent.wait() != 2 {
			t.Errorf("the plain agent ended with %d", agent.wait())
		}
	})
	t.Run("for longer than is waited", func(t *testing.T) {
		t.Parallel()
		h := newHost(t, "lock_wait: 1s")
		h.plainAgent("slow10")
		pid := h.catalogLock()
		r := h.run("unchanged")
		want{outcome: api.Skipped, reason: api.Locked, exit: noExit}.check(t, r)
		if !strings.Contains(r.Message, strconv.Itoa(pid)) {
			t.Errorf("message %q, want the holder's pid %d", r.Message, pid)
		}
	})
}

// TestOwnRunGoesOn: a second run stands back, or waits for as long as it is told.
func TestOwnRunGoesOn(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	first := h.start("slow10")
	h.catalogLock()
	second := h.run("unchanged")
	want{outcome: api.Skipped, reason: api.Locked, exit: noExit}.check(t, second)
	third := h.run("unchanged", "--wait", "1m")
	want{outcome: api.Unchanged, source: api.FromServer}.check(t, third)
	r := first.record()
	want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 1}.check(t, r)
	if third.Started.Before(*r.Ended) {
		t.Errorf("the third run started at %s, before the first ended at %s", third.Started, r.Ended)
	}
}

// TestApplyBeside: a `puppet apply` takes no lock and overwrites the agent's summary and report. It must not pass for
// our run.
func TestApplyBeside(t *testing.T) {
	t.Parallel()
	t.Run("during the run", func(t *testing.T) {
		t.Parallel()
		h := newHost(t)
		run := h.start("slow10")
		h.catalogLock()
		h.apply(`notify { 'one': } notify { 'two': } notify { 'three': }`)
		want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 1}.check(t, run.record())
	})
	t.Run("after the end of an orphan", func(t *testing.T) {
		t.Parallel()
		h := newHost(t)
		run := h.start("failed")
		puppet := h.catalogLock()
		run.signal(syscall.SIGKILL)
		run.wait()
		eventually(t, "the orphan's end", func() bool { return !alive(puppet) })
		h.apply(`notify { 'well': }`)
		h.run("unchanged")
		r := h.recordOf(h.ids()[1])
		want{outcome: api.Interrupted, reason: api.Killed, exit: noExit, warning: "exit code is not known", failure: "boom"}.check(t, r)
	})
}

func (h *host) apply(manifest string) {
	h.t.Helper()
	cmd := exec.Command("puppet", "apply", "--confdir", h.Confdir, "--execute", manifest)
	cmd.Env = h.Env("")
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("puppet apply: %v\n%s", err, out)
	}
}

// TestRace: two runners and a plain agent start at the same instant.
func TestRace(t *testing.T) {
	h := newHost(t)
	h.noTwo()
	began := time.Now()
	races, won, refused := raceCount(t), 0, 0
	for i := range races {
		agent := h.plainAgent("unchanged")
		one, other := h.start("unchanged"), h.start("unchanged")
		h.checkRace(i, one.record(), other.record())
		refused += strings.Count(one.stderr.String()+other.stderr.String(), "refused by its own lock")
		if h.checkPlain(i, agent) {
			won++
		}
	}
	if n := len(h.ids()); n != 2*races {
		t.Errorf("%d records of %d runs", n, 2*races)
	}
	t.Logf("%d races in %.0f s; the plain agent ran in %d, and Puppet's lock refused ours %d times",
		races, time.Since(began).Seconds(), won, refused)
}

// noTwo sees to it that two Puppets at once cannot go unnoticed. They execute their own prerun and postrun commands under
// their lock, and the second cannot make the folder.
func (h *host) noTwo() {
	h.t.Helper()
	inside := filepath.Join(h.Workdir, "inside")
	h.set("prerun_command", "/bin/mkdir "+inside)
	h.set("postrun_command", "/bin/rmdir "+inside)
}

// checkPlain reports whether the plain agent ran, instead of being refused by its lock.
func (h *host) checkPlain(i int, agent *running) bool {
	h.t.Helper()
	exit, said := agent.wait(), agent.stdout.String()
	if exit > 1 || strings.Contains(said, "prerun_command") {
		h.t.Errorf("race %d: the plain agent met one of ours, or failed: exit %d\n%s", i, exit, said)
	}
	return exit == 0
}

func (h *host) checkRace(i int, runs ...*api.Run) {
	h.t.Helper()
	var executed []*api.Run
	for _, r := range runs {
		if r.Outcome.Executed() {
			executed = append(executed, r)
			want{outcome: api.Unchanged, source: api.FromServer}.check(h.t, r)
		} else {
			want{outcome: api.Skipped, reason: api.Locked, exit: noExit}.check(h.t, r)
		}
	}
	switch {
	case len(executed) == 0:
		h.t.Errorf("race %d: none of ours ran", i)
	case len(executed) == 2 && overlap(executed[0], executed[1]):
		h.t.Errorf("race %d: two of ours at once", i)
	}
	if h.t.Failed() {
		for _, r := range executed {
			h.t.Logf("race %d: %s\n%s", i, r.Outcome, h.output(r.ID))
		}
	}
}

func overlap(a, b *api.Run) bool { return a.Started.Before(*b.Ended) && b.Started.Before(*a.Ended) }

// raceCount is 10 unless E2E_RACES says otherwise.
func raceCount(t *testing.T) int {
	t.Helper()
	text := os.Getenv("E2E_RACES")
	if text == "" {
		return 10
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("E2E_RACES=%q is no number of races", text)
	}
	return n
}
