package state_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/state"
)

// idAt is the id of a run that was named at some time.
func idAt(at time.Time) string {
	h := fmt.Sprintf("%012x", at.UnixMilli())
	return h[:8] + "-" + h[8:] + "-7000-8000-000000000001"
}

// runAt is a run that was named at one time and ended at another.
func runAt(named, ended time.Time, outcome api.Outcome) api.Run {
	run := aRun(idAt(named), outcome)
	run.Ended = &ended
	return run
}

// What was recorded while the clock was days ahead hides nothing that comes once it is
// right, and is neither lost nor counted twice.
func TestClockWasAhead(t *testing.T) {
	right := time.Now().Add(-time.Hour)
	ahead := right.Add(72 * time.Hour)
	for name, ended := range map[string]time.Time{"ended ahead": ahead, "the clock was set right during the run": right} {
		t.Run(name, func(t *testing.T) {
			d := newDir(t)
			finished(t, d, runAt(ahead, ended, api.Unchanged))
			for i := range 3 {
				at := right.Add(time.Duration(i) * time.Minute)
				bad := runAt(at, at, api.Errored)
				finished(t, d, bad)
				want := map[state.Last]string{state.LastRun: bad.ID, state.LastExecuted: bad.ID, state.LastSuccess: idAt(ahead)}
				if diff := cmp.Diff(want, lastIDs(t, d)); diff != "" {
					t.Error(diff)
				}
				if got := failing(t, d); got != i+1 {
					t.Errorf("%d failing; want %d", got, i+1)
				}
			}
			good := runAt(right.Add(time.Hour), right.Add(time.Hour), api.Changed)
			finished(t, d, good)
			if ids := lastIDs(t, d); ids[state.LastSuccess] != good.ID || failing(t, d) != 0 {
				t.Errorf("after a good run: %v, %d failing", ids, failing(t, d))
			}
		})
	}
}

// Bad runs of a clock that was ahead come before all others, and end with the first good one.
func TestFailingUnderAClockThatWasAhead(t *testing.T) {
	d := newDir(t)
	right := time.Now().Add(-time.Hour)
	ahead := right.Add(72 * time.Hour)
	for i := range 2 { // recorded when the clock was right again
		at := ahead.Add(time.Duration(i) * time.Hour)
		finished(t, d, runAt(at, right, api.Failed))
	}
	bad := runAt(right.Add(time.Minute), right.Add(time.Minute), api.Failed)
	finished(t, d, bad)
	if got := failing(t, d); got != 3 {
		t.Errorf("%d failing; want 3", got)
	}
	finished(t, d, runAt(right.Add(2*time.Minute), right.Add(2*time.Minute), api.Unchanged))
	if got := failing(t, d); got != 0 {
		t.Errorf("%d failing after a good run; want none", got)
	}
}

// The history is shortened by the runs of a clock that was ahead, not by those that come after.
func TestPruneOfAClockThatWasAhead(t *testing.T) {
	d := newDir(t)
	right := time.Now().Add(-time.Hour)
	var want []string
	for i := range 3 {
		at := right.Add(time.Duration(i) * time.Minute)
		finished(t, d, runAt(at.Add(72*time.Hour), at, api.Unchanged))
		finished(t, d, runAt(at, at, api.Unchanged))
		want = append([]string{idAt(at)}, want...)
	}
	must(t, d.Prune(state.Keep{Runs: 3}, time.Now()))
	got, err := d.IDs()
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	must(t, d.Prune(state.Keep{Runs: 1}, right.Add(-time.Hour))) // all are ahead: the newest stays
	if got, err := d.IDs(); err != nil || len(got) != 1 || got[0] != want[0] {
		t.Errorf("%v, %v", got, err)
	}
}
