//go:build !windows

package runner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/runner"
	"github.com/puppet-cron/puppet-cron/state"
)

// hooked is a node with hooks, what it logs, and what they leave in its directory.
type hooked struct {
	*bench
	log   lockedBuffer
	heard string
}

type lockedBuffer struct {
	sync.Mutex
	bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(p)
}

func newHooked(t *testing.T, testCase string, hooks map[string]string) *hooked {
	t.Helper()
	h := &hooked{bench: newBench(t, testCase)}
	h.heard = h.node.Work("heard")
	h.config.HooksDir = filepath.Join(filepath.Dir(h.config.StateDir), "hooks")
	h.env = append(h.env, "HEARD="+h.heard, "PUPPET_CRON_OUTCOME=forged", "SECRET_OF_SYSTEMD=1", "LD_PRELOAD=")
	for name, lines := range hooks {
		h.script("hooks/post-run.d/"+name, lines)
	}
	return h
}

func (h *hooked) hookRunner() *runner.Runner {
	r := h.runner()
	r.Log = slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r.HookLimits = runner.DefaultHookLimits()
	return r
}

// runAndTell is a whole run, hooks and all.
func (h *hooked) runAndTell(ctx context.Context, req state.Request) *api.Run {
	h.Helper()
	r := h.hookRunner()
	run, err := r.Run(ctx, req)
	if err != nil {
		h.Fatal(err)
	}
	r.PostRun(ctx)
	h.checkRecord(run)
	return run
}

func (h *hooked) said() string {
	text, _ := os.ReadFile(h.heard)
	return string(text)
}

func (h *hooked) logged(want string) {
	h.Helper()
	if !strings.Contains(h.log.String(), want) {
		h.Errorf("%q is not in the log:\n%s", want, h.log.String())
	}
}

func TestHooksHear(t *testing.T) {
	h := newHooked(t, "failed", map[string]string{
		"10-json": `cat >"$HEARD.json"; echo one >>"$HEARD"`,
		"20-env":  `env >"$HEARD.env"; ls -l /proc/$$/fd >"$HEARD.fds"; echo two >>"$HEARD"; printf 'sent\033\n'`,
		"9-last":  `echo three >>"$HEARD"; cat`,
	})
	run := h.runAndTell(context.Background(), scheduled())
	if h.said() != "one\ntwo\nthree\n" {
		t.Errorf("heard %q", h.said())
	}
	text, _ := os.ReadFile(h.heard + ".json")
	told := new(api.Run)
	if err := json.Unmarshal(text, told); err != nil {
		t.Fatalf("%v of %s", err, text)
	}
	recorded, err := h.dir.Run(run.ID)
	if diff := cmp.Diff(recorded, told); err != nil || diff != "" || len(told.Failures) == 0 {
		t.Errorf("%v, -recorded +told:\n%s", err, diff)
	}
	env, _ := os.ReadFile(h.heard + ".env")
	lines := "\n" + string(env)
	for _, want := range []string{
		"OUTCOME=failed", "REASON=", "ID=" + run.ID, "TRIGGER=schedule", "HEALTHY=false", "CERTNAME=fake.example.com",
		"MESSAGE=" + run.Message, "NOOP=false", "ENVIRONMENT=production", "HOOK=post-run",
	} {
		if strings.Count(lines, "\nPUPPET_CRON_"+want+"\n") != 1 {
			t.Errorf("PUPPET_CRON_%s is not in the environment:%s", want, lines)
		}
	}
	if strings.Contains(lines, "forged") || strings.Contains(lines, "PUPPET_CRON_RUN=") || strings.Contains(lines, "LD_PRELOAD") {
		t.Errorf("in the environment:%s", lines)
	}
	if fds, _ := os.ReadFile(h.heard + ".fds"); strings.Contains(string(fds), ".lock") || strings.Contains(string(fds), "log") {
		t.Errorf("open in a hook:\n%s", fds)
	}
	h.logged("output=sent")
}

// A hook that misbehaves changes nothing for the others, and nothing for the run.
func TestHooksMisbehave(t *testing.T) {
	h := newHooked(t, "changed", map[string]string{
		"1-fails":   "echo no route >&2; exit 3",
		"2-hangs":   "sleep 600",
		"3-floods":  "cat /dev/zero",
		"4-leaves":  "setsid sleep 600 & exit 0",
		"5-killed":  "kill -KILL $$",
		"6-open":    "echo never >>$HEARD",
		"7-text":    "echo never >>$HEARD",
		"8-is-well": "echo well >>$HEARD",
	})
	dir := runner.HooksIn(&h.config)
	if err := os.Chmod(filepath.Join(dir, "6-open"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "7-text"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := h.hookRunner()
	r.HookLimits.Each = 3 * time.Second
	run, err := r.Run(context.Background(), request())
	if err != nil {
		t.Fatal(err)
	}
	r.PostRun(context.Background())
	if run.Outcome != api.Changed || h.said() != "well\n" {
		t.Errorf("%s, heard %q", run.Outcome, h.said())
	}
	for _, want := range []string{
		"1-fails run=" + run.ID + ` exit_code=3 output="no route"`, "did not end within 3s and was ended", "printed more than 1024 KiB and was ended",
		"(sleep 600)", "was ended by a signal", "6-open: mode 0777 lets everybody write to it", "7-text: is not executable",
	} {
		h.logged(want)
	}
	r.PostRun(context.Background())
	if h.said() != "well\n" {
		t.Error("the hooks were told twice")
	}
}

func TestNoHooksNoNoise(t *testing.T) {
	h := newHooked(t, "unchanged", nil)
	h.runAndTell(context.Background(), request())
	if strings.Contains(h.log.String(), "hook") {
		t.Error(h.log.String())
	}
}

// A slow hook keeps no other run off, and does not touch its Puppet.
func TestHookHoldsNoLock(t *testing.T) {
	h := newHooked(t, "unchanged", map[string]string{"slow": `echo in >>"$HEARD"; until [ -e "$HEARD.go" ]; do sleep 0.02; done`})
	told := make(chan *api.Run)
	go func() { told <- h.runAndTell(context.Background(), request()) }()
	h.eventually("the hook's start", func() bool { return h.said() != "" })
	if _, err := h.dir.Running(); err == nil {
		t.Error("running.json stands while a hook is told")
	}
	h.setCase("slow", 0, 0)
	ctx, stop := context.WithCancelCause(context.Background())
	second := make(chan *api.Run)
	go func() {
		run, _ := h.runner().Run(ctx, request())
		second <- run
	}()
	h.eventually("Puppet's start", func() bool { return strings.Count(h.events(), "start") == 2 })
	if err := os.WriteFile(h.heard+".go", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	<-told
	select {
	case run := <-second:
		t.Errorf("the hook's end was the end of another run: %s/%s", run.Outcome, run.Reason)
	default:
	}
	stop(runner.ErrSignalled)
	<-second
	if strings.Contains(h.log.String(), "processes") {
		t.Errorf("another run was taken for the hook's:\n%s", h.log.String())
	}
}

// A daemon that Puppet left is not the hook's.
func TestHookSparesPuppetsDaemon(t *testing.T) {
	h := newHooked(t, "leaver", map[string]string{"leaves": "setsid sleep 600 & exit 0"})
	h.runAndTell(context.Background(), request())
	daemon := h.pid("daemon")
	defer syscall.Kill(daemon.PID, syscall.SIGKILL)
	if !daemon.Alive() {
		t.Error("the daemon is gone")
	}
	h.logged("(sleep 600)")
}

// Hooks hear of skipped runs, of interrupted ones, and of those that a killed runner left.
func TestHooksHearOfEveryOutcome(t *testing.T) {
	h := newHooked(t, "unchanged", map[string]string{"tell": `echo "$PUPPET_CRON_ID $PUPPET_CRON_OUTCOME $PUPPET_CRON_REASON $PUPPET_CRON_HEALTHY" >>"$HEARD"`})
	dead := request()
	claim, err := h.dir.Begin(dead)
	if err != nil {
		t.Fatal(err)
	}
	claim.Release()
	well := h.runAndTell(context.Background(), request())

	h.config.Schedule.SkipWhen.File = "/"
	skipped := h.runAndTell(context.Background(), scheduled())

	ctx, stop := context.WithCancelCause(context.Background())
	stop(runner.ErrSignalled)
	stopped := h.runAndTell(ctx, request())
	want := dead.ID + " interrupted killed false\n" + well.ID + " unchanged  true\n" + skipped.ID + " skipped condition \n" +
		stopped.ID + " interrupted signal false\n"
	if diff := cmp.Diff(want, h.said()); diff != "" {
		t.Errorf("-want +heard:\n%s", diff)
	}
}

func TestHooksTogetherAreBounded(t *testing.T) {
	h := newHooked(t, "unchanged", map[string]string{"1-hangs": "sleep 600", "2-late": `echo late >>"$HEARD"`})
	r := h.hookRunner()
	r.HookLimits.All = 500 * time.Millisecond
	if _, err := r.Run(context.Background(), request()); err != nil {
		t.Fatal(err)
	}
	r.PostRun(context.Background())
	h.logged("was ended: all hooks together may take 500ms")
	h.logged("2-late")
	if h.said() != "" {
		t.Errorf("heard %q", h.said())
	}
}

// A hook that runs Puppet would hear of that run, and run Puppet, and hear of that.
func TestRunOfAHookHasNoHooks(t *testing.T) {
	h := newHooked(t, "unchanged", map[string]string{"tell": `echo told >>"$HEARD"`})
	h.env = append(h.env, "PUPPET_CRON_HOOK=post-run")
	run := h.runAndTell(context.Background(), request())
	if run.Outcome != api.Unchanged || h.said() != "" {
		t.Errorf("%s, heard %q", run.Outcome, h.said())
	}
	h.logged("a hook has started this run")
}
