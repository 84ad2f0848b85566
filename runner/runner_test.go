//go:build !windows

package runner_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/filelock"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/runner"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
	"github.com/puppet-cron/puppet-cron/test/fakepuppet"
)

// The test binary is the fake Puppet too, under the name "puppet". As a runner it is
// the parent of all that its Puppets leave, and takes what it finds below itself for
// theirs: so no two of these tests run at once.
func TestMain(m *testing.M) {
	fakepuppet.Become()
	if err := runner.Prepare(); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// bench is a node with a fake Puppet and a runner for it.
type bench struct {
	*testing.T
	node   *fakepuppet.Node
	config config.Config
	dir    *state.Dir
	env    []string
	graces runner.Graces
}

func newBench(t *testing.T, testCase string) *bench {
	t.Helper()
	tmp := t.TempDir()
	node, err := fakepuppet.New(filepath.Join(tmp, "puppet"))
	if err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.StateDir = filepath.Join(tmp, "state")
	c.Puppet.Binary = node.Binary()
	c.Puppet.LockWait = 10 * time.Second
	dir, err := state.Open(c.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	// What ends when it is told to gets time enough, also on a machine that is busy.
	b := &bench{T: t, node: node, config: c, dir: dir, graces: runner.Graces{First: time.Minute, Second: time.Minute, Rest: 300 * time.Millisecond}}
	b.setCase(testCase, 0, 0)
	return b
}

func (b *bench) setCase(testCase string, bootMS, runMS int) {
	b.env = append(os.Environ(), b.node.Env(testCase, bootMS, runMS)...)
}

func (b *bench) runner() *runner.Runner {
	return &runner.Runner{
		State: b.dir, Config: &b.config, Version: "test", Log: slog.New(slog.NewTextHandler(testWriter{b.T}, nil)), Environ: b.env,
		Graces: b.graces,
	}
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func request() state.Request {
	return state.Request{ID: uuid.Must(uuid.NewV7()).String(), Trigger: api.Manual, Asked: time.Now()}
}

func (b *bench) run(ctx context.Context, req state.Request) *api.Run {
	b.Helper()
	run, err := b.runner().Run(ctx, req)
	if err != nil {
		b.Fatal(err)
	}
	b.checkRecord(run)
	return run
}

// checkRecord: what was returned is what was written, once, and is valid.
func (b *bench) checkRecord(run *api.Run) {
	b.Helper()
	recorded, err := b.dir.Run(run.ID)
	if err != nil {
		b.Fatal(err)
	}
	if recorded.Outcome != run.Outcome || recorded.Reason != run.Reason || recorded.Ended == nil {
		b.Errorf("recorded %s/%s, returned %s/%s", recorded.Outcome, recorded.Reason, run.Outcome, run.Reason)
	}
	if err := run.Validate(); err != nil {
		b.Error(err)
	}
}

// eventually polls: processes take their time.
func (b *bench) eventually(what string, holds func() bool) {
	b.Helper()
	for over := time.Now().Add(20 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(over) {
			b.Fatalf("in vain waited for: %s", what)
		}
	}
}

func (b *bench) pid(name string) process.ID {
	b.Helper()
	var id process.ID
	b.eventually(name+"'s pid file", func() bool {
		pid, err := readPID(b.node.Work(name))
		if err != nil {
			return false
		}
		p, err := process.Find(pid)
		id = p.ID
		return err == nil
	})
	return id
}

func readPID(path string) (int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var pid int
	for _, c := range strings.TrimSpace(string(data)) {
		if c < '0' || c > '9' {
			return 0, errors.New("not a pid yet")
		}
		pid = pid*10 + int(c-'0')
	}
	if pid == 0 {
		return 0, io.EOF
	}
	return pid, nil
}

func (b *bench) events() string {
	b.Helper()
	lines, err := b.node.Events()
	if err != nil {
		b.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func TestOutcomes(t *testing.T) {
	for testCase, want := range map[string]struct {
		outcome api.Outcome
		reason  api.Reason
	}{
		"unchanged":     {api.Unchanged, ""},
		"changed":       {api.Changed, ""},
		"failed":        {api.Failed, ""},
		"failed_and":    {api.Failed, ""},
		"stale":         {api.Stale, api.CompileFailed},
		"compile_error": {api.Errored, api.CompileFailed},
		"silent":        {api.Errored, api.Unknown},
		"mute":          {api.Errored, api.NoReport},
		"crash":         {api.Interrupted, api.Killed},
		"bad_config":    {api.Errored, api.PuppetConfig},
	} {
		t.Run(testCase, func(t *testing.T) {
			b := newBench(t, testCase)
			run := b.run(context.Background(), request())
			if run.Outcome != want.outcome || run.Reason != want.reason {
				t.Errorf("%s/%s (%s); want %s/%s", run.Outcome, run.Reason, run.Message, want.outcome, want.reason)
			}
			if _, err := b.dir.Running(); err == nil {
				t.Error("running.json stands after the run")
			}
			last, err := b.dir.Last(state.LastRun)
			if err != nil || last.ID != run.ID {
				t.Errorf("the last run is %v, %v", last, err)
			}
		})
	}
}

func TestMissingPuppet(t *testing.T) {
	b := newBench(t, "")
	b.config.Puppet.Binary = "/nonexistent/puppet"
	run := b.run(context.Background(), request())
	if run.Outcome != api.Errored || run.Reason != api.PuppetMissing || !strings.Contains(run.Message, "/nonexistent/puppet") {
		t.Errorf("%s/%s: %s", run.Outcome, run.Reason, run.Message)
	}
}

func TestDisabled(t *testing.T) {
	b := newBench(t, "")
	if err := os.WriteFile(b.node.Disabled(), []byte(`{"disabled_message":"ticket 42"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	run := b.run(context.Background(), request())
	if run.Outcome != api.Skipped || run.Reason != api.Disabled || run.Disabled == nil || run.Disabled.Reason != "ticket 42" || run.ExitCode != nil {
		t.Errorf("%+v", run)
	}
	if strings.Contains(b.events(), "start") {
		t.Error("Puppet was started")
	}
}

// A run that leaves no report was what it was asked to be.
func TestNoopWithoutReport(t *testing.T) {
	for _, c := range []struct {
		configured config.Switch
		asked      *bool
		want       bool
	}{
		{config.Auto, nil, false},
		{config.Auto, new(true), true},
		{config.On, nil, true},
		{config.On, new(false), false},
	} {
		b := newBench(t, "silent")
		b.config.Puppet.Noop = c.configured
		req := request()
		req.Noop = c.asked
		if run := b.run(context.Background(), req); run.Noop != c.want {
			t.Errorf("%+v: noop is %v (%s)", c, run.Noop, run.Message)
		}
	}
}

// Puppet is asked for its settings once, and again when puppet.conf has changed.
// TestWindows: the schedule's runs keep to the windows, a person's does not.
func TestWindows(t *testing.T) {
	inThreeDays := strings.ToUpper(time.Now().UTC().AddDate(0, 0, 3).Weekday().String()[:3])
	outside := scheduler.WindowRule{Days: inThreeDays, From: "00:00", To: "24:00", Mode: scheduler.WindowRun}
	noop := scheduler.WindowRule{From: "00:00", To: "24:00", Mode: scheduler.WindowNoop}
	for name, tt := range map[string]struct {
		window  scheduler.WindowRule
		trigger api.Trigger
		outcome api.Outcome
		noop    bool
	}{
		"outside":                {outside, api.Schedule, api.Skipped, false},
		"outside, catching up":   {outside, api.CatchUp, api.Skipped, false},
		"outside, by hand":       {outside, api.Manual, api.Changed, false},
		"noop":                   {noop, api.Schedule, api.Changed, true},
		"in a noop one, by hand": {noop, api.Manual, api.Changed, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "changed")
			b.config.Schedule.Timezone, b.config.Schedule.Windows = "UTC", []scheduler.WindowRule{tt.window}
			req := request()
			req.Trigger = tt.trigger
			run := b.run(context.Background(), req)
			if run.Outcome != tt.outcome || run.Noop != tt.noop || (run.Reason == api.OutsideWindow) != (tt.outcome == api.Skipped) {
				t.Errorf("got %s/%s, noop %v: %s", run.Outcome, run.Reason, run.Noop, run.Message)
			}
			if said := slices.Contains(run.Warnings, "ran with --noop: in the noop window 00:00-24:00"); said != tt.noop {
				t.Errorf("warnings %q", run.Warnings)
			}
		})
	}
}

func TestSettingsAreCached(t *testing.T) {
	b := newBench(t, "unchanged")
	asked := func(want int) {
		t.Helper()
		b.run(context.Background(), request())
		if n := strings.Count(b.events(), "asked"); n != want {
			t.Errorf("Puppet was asked %d times; want %d", n, want)
		}
	}
	asked(1)
	asked(1)
	if err := os.WriteFile(b.node.Conf(), []byte("[main]\n# changed\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	asked(2)
	if err := os.WriteFile(b.dir.File("puppet.json"), []byte("{half"), 0o644); err != nil {
		t.Fatal(err)
	}
	asked(3)
	if aside, _ := filepath.Glob(b.dir.File("puppet.json.corrupt-*")); len(aside) != 1 {
		t.Errorf("the corrupt file was set aside as %v", aside)
	}
}

// A run in which another Puppet is installed says so.
func TestPuppetUpgraded(t *testing.T) {
	b := newBench(t, "unchanged")
	if run := b.run(context.Background(), request()); run.PuppetUpgraded {
		t.Error("nothing was upgraded")
	}
	r := b.runner()
	r.Notify = func(now state.Running) {
		if now.Phase != state.Recording {
			return
		}
		err := errors.Join(os.Remove(b.config.Puppet.Binary), os.WriteFile(b.config.Puppet.Binary, []byte("another"), 0o755))
		if err != nil {
			t.Error(err)
		}
	}
	run, err := r.Run(context.Background(), request())
	if err != nil || !run.PuppetUpgraded {
		t.Errorf("%+v, %v", run, err)
	}
}

func TestAnotherRunOfOurs(t *testing.T) {
	b := newBench(t, "slow")
	ctx, stop := context.WithCancelCause(context.Background())
	first := make(chan *api.Run)
	req := request()
	go func() {
		run, _ := b.runner().Run(ctx, req)
		first <- run
	}()
	b.eventually("Puppet's start", func() bool { return strings.Contains(b.events(), "start") })

	second := b.run(context.Background(), request())
	if second.Outcome != api.Skipped || second.Reason != api.Locked || !strings.Contains(second.Message, req.ID) {
		t.Errorf("%s/%s: %s; want skipped/locked naming %s", second.Outcome, second.Reason, second.Message, req.ID)
	}

	b.setCase("unchanged", 0, 0)
	patient := request()
	patient.WaitS = 20
	third := make(chan *api.Run)
	go func() {
		run, _ := b.runner().Run(context.Background(), patient)
		third <- run
	}()
	stop(runner.ErrSignalled)
	if run := <-first; run.Outcome != api.Interrupted || run.Reason != api.BySignal {
		t.Errorf("the first: %s/%s", run.Outcome, run.Reason)
	}
	if run := <-third; run.Outcome != api.Unchanged {
		t.Errorf("the patient one: %s/%s: %s", run.Outcome, run.Reason, run.Message)
	}
	if strings.Contains(b.events(), "breach") {
		t.Error(b.events())
	}
}

// Somebody's own `puppet agent -t` is waited for, and given up on after lock_wait.
func TestPuppetsOwnLock(t *testing.T) {
	b := newBench(t, "unchanged")
	holder := startPlainPuppet(b, 600)
	run := b.run(context.Background(), request())
	if run.Outcome != api.Unchanged {
		t.Errorf("after the wait: %s/%s: %s", run.Outcome, run.Reason, run.Message)
	}
	<-holder

	holder = startPlainPuppet(b, 1500)
	b.config.Puppet.LockWait = 50 * time.Millisecond
	run = b.run(context.Background(), request())
	if run.Outcome != api.Skipped || run.Reason != api.Locked || !strings.Contains(run.Message, "agent_catalog_run.lock") {
		t.Errorf("given up: %s/%s: %s", run.Outcome, run.Reason, run.Message)
	}
	<-holder
}

// A run that came by itself waits no longer than until the next one is due.
func TestPuppetsOwnLockUntilTheNextSlot(t *testing.T) {
	b := newBench(t, "unchanged")
	b.run(context.Background(), request()) // Puppet's settings are known
	holder := startPlainPuppet(b, 3000)
	req, next := request(), time.Now().Add(100*time.Millisecond)
	req.Trigger, req.Schedule = api.Schedule, &api.Announce{IntervalS: 1800, NextDue: &next}
	run := b.run(context.Background(), req)
	if run.Outcome != api.Skipped || run.Reason != api.Locked {
		t.Errorf("%s/%s: %s", run.Outcome, run.Reason, run.Message)
	}
	<-holder
}

func TestPuppetRefusedByItsOwnLockIsTriedAgain(t *testing.T) {
	b := newBench(t, "unchanged")
	b.setCase("unchanged", 400, 0) // the other takes the lock while ours boots
	done := make(chan *api.Run)
	go func() { done <- b.run(context.Background(), request()) }()
	b.eventually("the run's start", func() bool {
		r, err := b.dir.Running()
		return err == nil && r.Puppet != nil
	})
	holder := startPlainPuppet(b, 800)
	run := <-done
	<-holder
	if run.Outcome != api.Unchanged {
		t.Errorf("%s/%s: %s\n%s", run.Outcome, run.Reason, run.Message, b.events())
	}
	if !strings.Contains(b.events(), "refused "+run.ID) {
		t.Errorf("Puppet was not refused: the test shows nothing\n%s", b.events())
	}
}

// startPlainPuppet starts a Puppet of somebody else's and returns when it has its
// lock.
func startPlainPuppet(b *bench, ms int) <-chan error {
	b.Helper()
	cmd := osExec(b, b.config.Puppet.Binary, "agent", "--test")
	cmd.Env = append(os.Environ(), b.node.Env("unchanged", 0, ms)...)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.eventually("Puppet's lock", func() bool {
		lock, err := puppet.ReadLock(b.node.Lock())
		return err == nil && lock != nil && lock.PID == cmd.Process.Pid
	})
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	return done
}

func TestDeadline(t *testing.T) {
	for testCase, killed := range map[string]bool{"slow": false, "deaf": true} {
		t.Run(testCase, func(t *testing.T) {
			b := newBench(t, testCase)
			if killed {
				b.graces = runner.Graces{First: 300 * time.Millisecond, Second: 300 * time.Millisecond}
			}
			req := request()
			req.TimeoutS = 0.5
			run := b.run(context.Background(), req)
			if run.Outcome != api.TimedOut || (run.Signal == "SIGKILL") != killed {
				t.Errorf("%s/%s, signal %q: %s", run.Outcome, run.Reason, run.Signal, run.Message)
			}
		})
	}
}

// What ignores TERM, in a session of its own, with a child that ignores it too, is
// gone within the graces. A process that somebody else's run started is not ours.
func TestStubbornTreeEnds(t *testing.T) {
	b := newBench(t, "stubborn")
	done := make(chan *api.Run)
	ctx, stop := context.WithCancelCause(context.Background())
	go func() { done <- b.run(ctx, request()) }()
	child, grandchild := b.pid("child"), b.pid("grandchild")
	stop(runner.ErrShutdown)
	run := <-done
	if run.Outcome != api.Interrupted || run.Reason != api.ByShutdown {
		t.Errorf("%s/%s", run.Outcome, run.Reason)
	}
	if child.Alive() || grandchild.Alive() {
		t.Errorf("the child lives: %v, the grandchild: %v", child.Alive(), grandchild.Alive())
	}
}

func TestDetachedDaemonIsSpared(t *testing.T) {
	b := newBench(t, "daemon")
	done := make(chan *api.Run)
	ctx, stop := context.WithCancelCause(context.Background())
	go func() { done <- b.run(ctx, request()) }()
	child, daemon := b.pid("child"), b.pid("daemon")
	defer syscall.Kill(daemon.PID, syscall.SIGKILL)
	b.eventually("the daemon's detaching", func() bool {
		p, err := process.Find(daemon.PID)
		return err == nil && p.Parent == os.Getpid()
	})
	stop(runner.ErrSignalled)
	run := <-done
	if child.Alive() || !daemon.Alive() {
		t.Errorf("the child lives: %v, the daemon: %v", child.Alive(), daemon.Alive())
	}
	if !names(run.LeftRunning, daemon.PID) {
		t.Errorf("the daemon %d is not among %v", daemon.PID, run.LeftRunning)
	}
}

func names(list []api.Process, pid int) bool {
	return slices.ContainsFunc(list, func(p api.Process) bool { return p.PID == pid })
}

func TestToldToStopBeforePuppet(t *testing.T) {
	b := newBench(t, "unchanged")
	ctx, stop := context.WithCancelCause(context.Background())
	stop(runner.ErrSignalled)
	run := b.run(ctx, request())
	if run.Outcome != api.Interrupted || run.Reason != api.BySignal || strings.Contains(b.events(), "start") {
		t.Errorf("%s/%s: %s\n%s", run.Outcome, run.Reason, run.Message, b.events())
	}
}

// The very first runner is killed before it has asked Puppet anything, and what is
// recorded of it is recorded under the node's name: a collector would never take it under
// another one.
func TestFirstRunnerKilled(t *testing.T) {
	b := newBench(t, "unchanged")
	first := request()
	claim, err := b.dir.Begin(first)
	if err != nil {
		t.Fatal(err)
	}
	claim.Release() // as its end does
	second := b.run(context.Background(), request())
	recorded, err := b.dir.Run(first.ID)
	if err != nil {
		t.Fatal(err)
	}
	if recorded.Outcome != api.Interrupted || recorded.Certname != second.Certname {
		t.Errorf("%s of %q beside a run of %q", recorded.Outcome, recorded.Certname, second.Certname)
	}
}

// A lock file that is no plain file stops the run before Puppet, with an error.
func TestLockThatIsNoFile(t *testing.T) {
	for kind, make := range map[string]func(path string) error{
		"directory": func(p string) error { return os.Mkdir(p, 0o755) },
		"symlink":   func(p string) error { return os.Symlink("/tmp/elsewhere", p) },
	} {
		b := newBench(t, "unchanged")
		if err := make(b.dir.RunLock()); err != nil {
			t.Fatal(err)
		}
		_, err := b.runner().Run(context.Background(), request())
		if err == nil || !strings.Contains(err.Error(), kind) || !strings.Contains(err.Error(), b.dir.RunLock()) {
			t.Errorf("%s: %v", kind, err)
		}
		if strings.Contains(b.events(), "start") {
			t.Errorf("%s: Puppet was started", kind)
		}
		if ids, err := b.dir.IDs(); err != nil || len(ids) != 0 {
			t.Errorf("%s: a run that was never begun is left for the next to judge: %v, %v", kind, ids, err)
		}
		req := request()
		req.Trigger = api.Schedule
		if err := b.dir.Ask(req); err != nil {
			t.Fatal(err)
		}
		if _, err := b.runner().Resume(context.Background(), req.ID); err == nil || b.dir.Fate(req.ID) != state.Asked {
			t.Errorf("%s: a request is %s; want it to be as before", kind, b.dir.Fate(req.ID))
		}
	}
}

// A lock whose holder never says who it is does not hang a run.
func TestUnknownHolder(t *testing.T) {
	b := newBench(t, "unchanged")
	lock, err := filelock.TryLock(b.dir.RunLock())
	if err != nil || lock == nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	stranger := osExec(b, "sleep", "60")
	stranger.ExtraFiles = []*os.File{lock.File()}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stranger.Process.Kill(); stranger.Wait() }()
	run := b.run(context.Background(), request())
	if run.Outcome != api.Skipped || run.Reason != api.Locked {
		t.Errorf("%s/%s: %s", run.Outcome, run.Reason, run.Message)
	}
	if strings.Contains(b.events(), "start") {
		t.Error("Puppet was started although somebody holds run.lock")
	}
}

func TestLongOutputIsCut(t *testing.T) {
	b := newBench(t, "flood")
	run := b.run(context.Background(), request())
	fi, err := os.Stat(b.dir.OutputLog(run.ID))
	if err != nil || fi.Size() > 17<<20 {
		t.Errorf("the output is %d bytes, %v", fi.Size(), err)
	}
	if run.Outcome != api.Unchanged {
		t.Errorf("%s/%s", run.Outcome, run.Reason)
	}
}

func TestRequest(t *testing.T) {
	b := newBench(t, "changed")
	run := b.run(context.Background(), request())
	if _, err := b.runner().Resume(context.Background(), run.ID); !errors.Is(err, state.ErrRecorded) {
		t.Errorf("a request with a final record: %v; want ErrRecorded", err)
	}
	if _, err := b.runner().Resume(context.Background(), uuid.NewString()); err == nil {
		t.Error("a request that nobody made was run")
	}
}

// What a run that ends by itself leaves behind is named and not touched.
func TestNormalEndKillsNothing(t *testing.T) {
	b := newBench(t, "leaver")
	run := b.run(context.Background(), request())
	daemon := b.pid("daemon")
	defer syscall.Kill(daemon.PID, syscall.SIGKILL)
	if run.Outcome != api.Unchanged || !daemon.Alive() {
		t.Errorf("%s/%s; the daemon lives: %v", run.Outcome, run.Reason, daemon.Alive())
	}
	if !names(run.LeftRunning, daemon.PID) {
		t.Errorf("the daemon %d is not among %v", daemon.PID, run.LeftRunning)
	}
}

// A runner that was killed right after it had started Puppet could not note its pid,
// and a daemon inherited the lock: the run is recorded, and the daemon does not keep
// the next one from starting.
func TestStrayHeirOfTheLock(t *testing.T) {
	b := newBench(t, "unchanged")
	over := b.run(context.Background(), request())
	lock, err := filelock.TryLock(b.dir.RunLock())
	if err != nil || lock == nil {
		t.Fatal(err)
	}
	heir := osExec(b, "sleep", "60")
	heir.Env = append(os.Environ(), "PUPPET_CRON_RUN="+over.ID) // as all that its Puppet started
	heir.ExtraFiles = []*os.File{lock.File()}
	if err := heir.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { heir.Process.Kill(); heir.Wait() }()
	lock.Close()

	run := b.run(context.Background(), request())
	if run.Outcome != api.Unchanged {
		t.Errorf("%s/%s: %s", run.Outcome, run.Reason, run.Message)
	}
	if heir.Process.Signal(syscall.Signal(0)) != nil {
		t.Error("the heir is gone")
	}
}

// Of a killed runner's run nothing is left but its record: whoever finds that out
// must leave the run that goes on meanwhile alone.
func TestResumeBesideAnotherRun(t *testing.T) {
	b := newBench(t, "slow")
	dead := request()
	claim, err := b.dir.Begin(dead)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.dir.OutputLog(dead.ID), nil, 0o640); err != nil { // its Puppet was started
		t.Fatal(err)
	}
	claim.Release()

	lock, err := filelock.TryLock(b.dir.RunLock())
	if err != nil || lock == nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	innocent := osExec(b, "sleep", "60")
	innocent.ExtraFiles = []*os.File{lock.File()}
	if err := innocent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { innocent.Process.Kill(); innocent.Wait() }()
	other := request()
	if err := b.dir.SetRunning(state.Running{ID: other.ID, Trigger: api.Manual, Since: time.Now()}); err != nil {
		t.Fatal(err)
	}

	run, err := b.runner().Resume(context.Background(), dead.ID)
	if err != nil || run.Outcome != api.Interrupted || run.Reason != api.Killed {
		t.Errorf("%+v, %v; want interrupted/killed", run, err)
	}
	if p, err := process.Find(innocent.Process.Pid); err != nil || p.Zombie {
		t.Error("the other run's process was ended")
	}
}

// Without a report, only the order not to fall back proves that an orphan's catalog
// was a new one. What counts is the order that it was given, not what the
// configuration says by now.
func TestOrphanWithoutReport(t *testing.T) {
	for _, c := range []struct {
		atStart, later config.Switch
		want           api.Outcome
	}{
		{config.Auto, config.Auto, api.Unchanged}, // without reports, auto is off
		{config.Off, config.On, api.Unchanged},
		{config.On, config.Off, api.Stale},
	} {
		b := newBench(t, "unchanged")
		b.env = append(b.env, "FAKE_PUPPET_REPORT=false")
		b.config.Puppet.CachedCatalogOnFailure = c.atStart
		id := b.orphan()
		b.config.Puppet.CachedCatalogOnFailure = c.later
		run, err := b.runner().Resume(context.Background(), id)
		if err != nil || run.Outcome != c.want {
			t.Errorf("%+v: %+v, %v", c, run, err)
		}
	}
}

// orphan leaves a run as its runner does that is killed before it records it.
func (b *bench) orphan() (id string) {
	b.Helper()
	req := request()
	r := b.runner()
	var running state.Running
	r.Notify = func(now state.Running) { running = now }
	if _, err := r.Run(context.Background(), req); err != nil {
		b.Fatal(err)
	}
	err := errors.Join(
		b.dir.SetRunning(running),
		os.WriteFile(filepath.Join(b.dir.RunDir(req.ID), "lock"), []byte("begun\n"), 0o600),
		os.Remove(filepath.Join(b.dir.RunDir(req.ID), "run.json")),
	)
	if err != nil {
		b.Fatal(err)
	}
	return req.ID
}

// A request that cannot be used is not begun: nobody takes it for a run that was cut off.
func TestRequestOfNoUse(t *testing.T) {
	b := newBench(t, "unchanged")
	forbidden, corrupt := request(), request()
	forbidden.Env = "--noop"
	for _, req := range []state.Request{forbidden, corrupt} {
		if err := b.dir.Ask(req); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(b.dir.RunDir(corrupt.ID), "request.json"), []byte("{half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{forbidden.ID, corrupt.ID} {
		if _, err := b.runner().Resume(context.Background(), id); err == nil || b.dir.Fate(id) != state.Asked {
			t.Errorf("%v, and the request is %s", err, b.dir.Fate(id))
		}
	}
}
