package state_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/state"
)

func failing(t testing.TB, d *state.Dir) int {
	t.Helper()
	f, err := d.Failing()
	must(t, err)
	return f.Runs()
}

func TestFailing(t *testing.T) {
	d := newDir(t)
	if _, err := d.Failing(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before any run: %v", err)
	}
	for _, step := range []struct {
		id   int
		is   api.Outcome
		want int
	}{
		{1, api.Unchanged, 0},
		{2, api.Failed, 1},
		{3, api.Skipped, 1},
		{5, api.Interrupted, 2},
		{6, api.Stale, 3},
		{4, api.Changed, 2}, // recorded late
		{7, api.TimedOut, 3},
		{8, api.Unchanged, 0},
		{9, api.Errored, 1},
	} {
		finished(t, d, aRun(newID(step.id), step.is))
		if got := failing(t, d); got != step.want {
			t.Errorf("after run %d, %s: %d; want %d", step.id, step.is, got, step.want)
		}
	}
}

// A retry fails for what its slot's run has failed for: a server that restarts is no row
// of three.
func TestRetriesAreNotCounted(t *testing.T) {
	d := newDir(t)
	for i, step := range []struct {
		trigger api.Trigger
		is      api.Outcome
		want    int
	}{
		{api.Schedule, api.Stale, 1},
		{api.Retry, api.Stale, 1},
		{api.Retry, api.Interrupted, 1},
		{api.Schedule, api.Errored, 2},
		{api.Retry, api.Changed, 0},
		{api.Retry, api.Failed, 1}, // its slot's run is not known
	} {
		run := aRun(newID(i+1), step.is)
		run.Trigger = step.trigger
		finished(t, d, run)
		if got := failing(t, d); got != step.want {
			t.Errorf("after run %d, %s of %s: %d; want %d", i+1, step.is, step.trigger, got, step.want)
		}
	}
}

// A hundred bad runs are a hundred, in a small file, also when the history holds fewer.
func TestFailingOutlivesTheHistory(t *testing.T) {
	d := newDir(t)
	for i := range 100 {
		finished(t, d, aRun(newID(i), api.Errored))
		must(t, d.Prune(state.Keep{Runs: 3}, time.Now()))
	}
	if got := failing(t, d); got != 100 {
		t.Errorf("%d; want 100", got)
	}
	f, err := d.Failing()
	must(t, err)
	if len(f.IDs) > 50 || f.Since == nil {
		t.Errorf("%d ids, since %v", len(f.IDs), f.Since)
	}
	finished(t, d, aRun(newID(100), api.Changed))
	if f, err := d.Failing(); err != nil || f.Runs() != 0 || f.Since != nil {
		t.Errorf("after a good run: %+v, %v", f, err)
	}
}

// A corrupt file begins anew; one of a newer version stays as it is.
func TestFailingUnreadable(t *testing.T) {
	d := newDir(t)
	must(t, os.WriteFile(d.File("failing.json"), []byte("{half"), 0o644))
	finished(t, d, aRun(newID(1), api.Failed))
	if got := failing(t, d); got != 1 {
		t.Errorf("%d; want 1", got)
	}
	must(t, os.WriteFile(d.File("failing.json"), []byte(`{"schema":9}`), 0o644))
	finished(t, d, aRun(newID(2), api.Failed))
	if _, err := d.Failing(); !errors.Is(err, state.ErrNewer) {
		t.Errorf("of a newer version: %v", err)
	}
}

// In whatever order runs are recorded, the count is that of the bad ones behind the
// last good one.
func TestFailingInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, err := state.Open(tempDir(t) + "/state")
		must(t, err)
		outcomes := rapid.SliceOfN(rapid.SampledFrom([]api.Outcome{api.Changed, api.Failed, api.Errored, api.Skipped}), 1, 8).Draw(rt, "outcomes")
		order := make([]int, len(outcomes))
		for i := range order {
			order[i] = i
		}
		executed, want := false, 0
		for _, o := range outcomes {
			switch {
			case o == api.Changed:
				executed, want = true, 0
			case o != api.Skipped:
				executed, want = true, want+1
			}
		}
		for _, i := range rapid.Permutation(order).Draw(rt, "order") {
			finished(t, d, aRun(newID(i), outcomes[i]))
		}
		if !executed {
			return
		}
		if got := failing(t, d); got != want {
			rt.Fatalf("%v: %d; want %d", outcomes, got, want)
		}
	})
}
