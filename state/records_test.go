package state_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/state"
)

func lastIDs(t *testing.T, d *state.Dir) map[state.Last]string {
	t.Helper()
	ids := map[state.Last]string{}
	for _, which := range []state.Last{state.LastRun, state.LastExecuted, state.LastChange, state.LastSuccess} {
		run, err := d.Last(which)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		must(t, err)
		ids[which] = run.ID
	}
	return ids
}

func TestLastRuns(t *testing.T) {
	d := newDir(t)
	changedButFailed := aRun(newID(6), api.Failed)
	changedButFailed.Resources = &api.Resources{Changed: 1}
	for _, step := range []struct {
		run  api.Run
		want map[state.Last]string
	}{
		{aRun(newID(2), api.Skipped), map[state.Last]string{state.LastRun: newID(2)}},
		{aRun(newID(4), api.Errored), map[state.Last]string{state.LastRun: newID(4), state.LastExecuted: newID(4)}},
		{aRun(newID(3), api.Unchanged), map[state.Last]string{ // recorded late
			state.LastRun: newID(4), state.LastExecuted: newID(4), state.LastSuccess: newID(3),
		}},
		{changedButFailed, map[state.Last]string{
			state.LastRun: newID(6), state.LastExecuted: newID(6), state.LastChange: newID(6), state.LastSuccess: newID(3),
		}},
		{aRun(newID(5), api.Unchanged), map[state.Last]string{
			state.LastRun: newID(6), state.LastExecuted: newID(6), state.LastChange: newID(6), state.LastSuccess: newID(5),
		}},
	} {
		finished(t, d, step.run)
		if diff := cmp.Diff(step.want, lastIDs(t, d)); diff != "" {
			t.Errorf("after %s %s:\n%s", step.run.ID, step.run.Outcome, diff)
		}
	}
}

// Failures and logs hold what Puppet printed, secrets among it.
func TestPublicCopiesHoldNoSecrets(t *testing.T) {
	d := newDir(t)
	run := aRun(newID(1), api.Changed)
	run.Resources = &api.Resources{Changed: 1}
	run.Failures, run.FailuresCut, run.Log = []api.Failure{{Message: "hunter2"}}, 2, "hunter2"
	finished(t, d, run)
	for which := range lastIDs(t, d) {
		data, err := os.ReadFile(d.File(string(which)))
		must(t, err)
		if strings.Contains(string(data), "hunter2") || strings.Contains(string(data), `"failures"`) {
			t.Errorf("%s: %s", which, data)
		}
	}
	if kept, err := d.Run(run.ID); err != nil || len(kept.Failures) != 1 || kept.Log == "" {
		t.Errorf("the private record: %+v, %v", kept, err)
	}
}

// Processes that record at the same time do not hide the newest run.
func TestLastOfManyTogether(t *testing.T) {
	for range 3 {
		d := newDir(t)
		outcomes := []api.Outcome{api.Changed, api.Skipped, api.Errored}
		together(9, func(i int) {
			c, err := d.Begin(request(newID(i)))
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Release()
			if err := c.Record(aRun(c.ID, outcomes[i%3])); err != nil {
				t.Error(err)
			}
		})
		want := map[state.Last]string{state.LastRun: newID(8), state.LastExecuted: newID(8), state.LastSuccess: newID(6)}
		if diff := cmp.Diff(want, lastIDs(t, d)); diff != "" {
			t.Fatal(diff)
		}
	}
}

// A process killed between the record and the public copies: Prune makes up for it.
func TestPublishedLate(t *testing.T) {
	d := newDir(t)
	finished(t, d, aRun(newID(1), api.Changed))
	must(t, os.Remove(d.File("last-run.json")))
	must(t, os.WriteFile(inRun(d, 1, "lock"), []byte("begun\n"), 0o600))
	must(t, d.Prune(state.Keep{}, now()))
	if last, err := d.Last(state.LastRun); err != nil || last.ID != newID(1) {
		t.Errorf("%+v, %v", last, err)
	}
	if exists(inRun(d, 1, "lock")) {
		t.Error("the claim stays")
	}
}

func TestRunning(t *testing.T) {
	d := newDir(t)
	if _, err := d.Running(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no run: %v", err)
	}
	must(t, d.ClearRunning())
	want := aRunning(1)
	must(t, d.SetRunning(want))
	got, err := d.Running()
	must(t, err)
	want.Schema = 1
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Error(diff)
	}
	must(t, d.ClearRunning())
	must(t, d.ClearRunning())
	if exists(d.File("running.json")) {
		t.Error("it stays")
	}
}

// Whatever may be configured can be read back; a run that cannot be would be nobody's.
func TestLongestDurations(t *testing.T) {
	d := newDir(t)
	running := aRunning(1)
	running.TimeoutS = (config.MaxDuration + time.Hour).Seconds() // with what a runner adds
	must(t, d.SetRunning(running))
	if _, err := d.Running(); err != nil {
		t.Error(err)
	}
	req := request(newID(1))
	req.WaitS, req.TimeoutS = config.MaxDuration.Seconds(), config.MaxDuration.Seconds()
	must(t, d.Ask(req))
	if _, err := d.Request(req.ID); err != nil {
		t.Error(err)
	}
}

func TestPuppet(t *testing.T) {
	type known struct {
		Schema int    `json:"schema"`
		Name   string `json:"name"`
	}
	d := newDir(t)
	must(t, d.WritePuppet(known{1, "<x> & y"}))
	var got known
	if err := d.ReadPuppet(&got); err != nil || got.Name != "<x> & y" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := d.WritePuppet(func() {}); err == nil || !strings.Contains(err.Error(), "puppet.json") {
		t.Errorf("what JSON cannot say: %v", err)
	}
}

// A service is the same only in the same boot: pids and starts come again after it.
func TestServing(t *testing.T) {
	self, err := process.Find(os.Getpid())
	must(t, err)
	for boot, want := range map[string]bool{process.BootID(): true, "": true, "another": false} {
		s := state.Schedule{Service: &self.ID, BootID: boot}
		if s.Serving() != want {
			t.Errorf("of boot %q: %v; want %v", boot, s.Serving(), want)
		}
	}
	// A unit's own mounts may show it another boot id: what serves does so all the same.
	serve := exec.Command("sh", "-c", "read wait", "serve")
	in, err := serve.StdinPipe()
	must(t, err)
	must(t, serve.Start())
	found, err := process.Find(serve.Process.Pid)
	must(t, err)
	if s := (state.Schedule{Service: &found.ID, BootID: "another"}); !s.Serving() {
		t.Errorf("of boot another, as %q: it does not serve", found.Command)
	}
	must(t, in.Close())
	_ = serve.Wait()
	if (&state.Schedule{BootID: process.BootID()}).Serving() {
		t.Error("no service serves")
	}
}
