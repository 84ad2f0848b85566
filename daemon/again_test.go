package daemon

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

func (w *world) triggers(from int) (all []api.Trigger) {
	for _, l := range w.launched[from:] {
		all = append(all, l.request.Trigger)
	}
	return all
}

// A run that never reached its server is tried again before the next slot, and that
// outlives the service.
func TestRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve(2 * time.Hour)
		before := len(w.launched)
		time.Sleep(time.Until(*w.schedule().NextDue))
		w.outcome = func(r *api.Run) { r.Outcome, r.Reason = api.Stale, api.ServerUnreachable }
		w.serve(time.Second)
		for range 30 {
			w.serve(50 * time.Second) // never for as long as a retry is waited for
		}
		want := []api.Trigger{api.Schedule, api.Retry, api.Retry, api.Retry}
		if got := w.triggers(before); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		w.outcome = nil
		w.serve(time.Hour)
		if got := w.triggers(before + len(want)); len(got) != 2 || got[0] != api.Schedule {
			t.Errorf("when the server is back: %q, want two slots", got)
		}
	})
}

// A run that upgraded Puppet and left the rest out is followed by one other.
func TestFollowedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve(2 * time.Hour)
		before := len(w.launched)
		w.outcome = func(r *api.Run) {
			r.Outcome, r.PuppetUpgraded, r.Resources = api.Changed, true, &api.Resources{Total: 9, Skipped: 5}
		}
		w.serve(30 * time.Minute)
		if got, want := w.triggers(before), []api.Trigger{api.Schedule, api.FollowUp}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
