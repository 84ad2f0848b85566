package scheduler_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// ended is a run that took half a minute.
func ended(at time.Time, trigger api.Trigger, outcome api.Outcome, reason api.Reason) *api.Run {
	started := at.Add(-30 * time.Second)
	return &api.Run{Trigger: trigger, Outcome: outcome, Reason: reason, Started: &started, Ended: &at}
}

func upgraded(run *api.Run, skipped int) *api.Run {
	run.PuppetUpgraded, run.Resources = true, &api.Resources{Total: 10, Skipped: skipped}
	return run
}

// TestHeed: which outcome is followed by which run, on a node that is due at 05:10 and
// has the middle of all luck.
func TestHeed(t *testing.T) {
	s := spec(t, scheduler.Rule{Every: 30 * time.Minute, CatchUp: 15 * time.Minute, Retries: 3, Share: splay.Share{Fraction: 1. / 3}})
	now := clock("04:41:00")
	for _, tt := range []struct {
		name    string
		retries int
		run     *api.Run
		at      string
		trigger api.Trigger
	}{
		{"the server could not be reached", 0, ended(now, api.Schedule, api.Errored, api.ServerUnreachable), "04:42:00", api.Retry},
		{"an old catalog was applied", 0, ended(now, api.Schedule, api.Stale, api.ServerUnreachable), "04:42:00", api.Retry},
		{"the runner could not be started", 0, ended(now, api.CatchUp, api.Errored, api.StartFailed), "04:42:00", api.Retry},
		{"a retry failed", 1, ended(now, api.Retry, api.Errored, api.ServerUnreachable), "04:44:10", api.Retry},
		{"another retry failed", 2, ended(now, api.Retry, api.Errored, api.ServerUnreachable), "04:51:00", api.Retry},
		{"the retries are used up", 3, ended(now, api.Retry, api.Errored, api.ServerUnreachable), "05:10:00", api.Schedule},
		{"the catalog does not compile", 0, ended(now, api.Schedule, api.Errored, api.CompileFailed), "05:10:00", api.Schedule},
		{"the server has too much to do", 0, ended(now, api.Schedule, api.Errored, api.ServerBusy), "05:10:00", api.Schedule},
		{"a person's run", 0, ended(now, api.Manual, api.Errored, api.ServerUnreachable), "05:10:00", api.Schedule},
		{"all is well", 2, ended(now, api.Retry, api.Changed, ""), "05:10:00", api.Schedule},
		{"it was skipped", 0, ended(now, api.Schedule, api.Skipped, api.Locked), "05:10:00", api.Schedule},
		{"puppet was upgraded and left things out", 0, upgraded(ended(now, api.Schedule, api.Changed, ""), 4), "04:42:00", api.FollowUp},
		{"puppet was upgraded, and all was done", 0, upgraded(ended(now, api.Schedule, api.Changed, ""), 0), "05:10:00", api.Schedule},
		{"the run after that left things out too", 0, upgraded(ended(now, api.FollowUp, api.Changed, ""), 4), "05:10:00", api.Schedule},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := scheduler.Ledger{Through: clock("04:40:00"), Retries: tt.retries}
			p := s.Plan(s.Heed(l, tt.run, now, 0.5))
			if at := p.At.Round(10 * time.Second); !at.Equal(clock(tt.at)) || p.Trigger != tt.trigger {
				t.Errorf("got %s at %v (%s), want %s at %s", p.Trigger, at, p.Why, tt.trigger, tt.at)
			}
		})
	}
}

// A retry comes before the next slot, with time to end, or not at all; and what it
// spends comes back when the server is reached.
func TestRetriesOfOneOutage(t *testing.T) {
	for _, every := range []time.Duration{time.Minute, 30 * time.Minute, 24 * time.Hour} {
		s := spec(t, scheduler.Rule{Every: every, CatchUp: every / 2, Retries: 5, Share: splay.Share{Fraction: 0.4}})
		now := clock("00:00:00")
		l := scheduler.Ledger{Through: now}
		retries := 0
		for range 40 {
			p := s.Plan(l)
			if p.Trigger == api.Retry {
				retries++
				if due := s.Next(now); !p.At.Before(due) || !p.At.After(now) {
					t.Fatalf("every %v: a retry at %v, between %v and %v", every, p.At, now, due)
				}
			}
			now = p.At
			l = s.Heed(l.Take(p, "x").Settle(true), ended(now, p.Trigger, api.Errored, api.ServerUnreachable), now, rand.Float64())
		}
		if retries == 0 || retries > 5 {
			t.Errorf("every %v: %d retries in one outage, want some, at most 5", every, retries)
		}
		l = s.Heed(l, ended(now, api.Schedule, api.Unchanged, ""), now, 0)
		if l.Retries != 0 || l.Again != (scheduler.Again{}) {
			t.Errorf("the server is back: %+v", l)
		}
	}
}

// A run that comes again and was never launched comes after all, and is counted once.
func TestSettleAgain(t *testing.T) {
	s := half(t, 15*time.Minute)
	again := scheduler.Again{At: clock("04:42:00"), Trigger: api.FollowUp}
	l := scheduler.Ledger{Through: clock("04:40:00"), Again: again}
	taken := l.Take(s.Plan(l), "7")
	if got := s.Plan(taken.Settle(false)); !got.At.Equal(again.At) || got.Trigger != again.Trigger || got.Missed != 0 {
		t.Errorf("not launched: %+v", got)
	}
	if got := s.Plan(taken.Settle(true)); !got.At.Equal(clock("05:10:00")) || got.Missed != 0 {
		t.Errorf("launched: %+v", got)
	}
}

// TestOutage cuts 1,000 nodes off from their server for two hours. While it lasts they
// try again a few times each; when it ends the server meets no more than its usual load.
func TestOutage(t *testing.T) {
	const nodes, length = 1000, 2 * time.Hour
	begin := clock("04:00:00")
	end := begin.Add(length)
	var starts []time.Time
	for i := range nodes {
		starts = append(starts, outage(t, i, begin, end)...)
	}
	before := busiest(starts, begin.Add(-fleetEvery), begin)
	during := busiest(starts, begin, end)
	after := busiest(starts, end, end.Add(2*fleetEvery))
	bound := chanceOfReturn(nodes, fleetEvery)
	mean := nodes / float64(fleetEvery/(30*time.Second))
	t.Logf("%d nodes, no server for %v: starts per 30 s, peak / mean of usual: before %.2f, during %.2f, after %.2f; 99th of 100 by chance %.2f",
		nodes, length, before/mean, during/mean, after/mean, bound)
	if after/mean > bound {
		t.Errorf("a second peak when the server returns: %.2f", after/mean)
	}
}

// outage returns when a node starts, from an hour before to an hour after it.
func outage(t testing.TB, i int, begin, end time.Time) (starts []time.Time) {
	s := spec(t, scheduler.Rule{
		Every: fleetEvery, CatchUp: fleetEvery / 2, Retries: 3, Share: splay.Identity{Certname: certname(i)}.Share(splay.Hash),
	})
	luck := rand.New(rand.NewPCG(3, uint64(i)))
	now := begin.Add(-time.Hour)
	l := scheduler.Ledger{Through: now}
	for now.Before(end.Add(time.Hour)) {
		p := s.Plan(s.Observe(l, now))
		starts = append(starts, p.At)
		now = p.At.Add(30 * time.Second)
		run := ended(now, p.Trigger, api.Unchanged, "")
		if now.After(begin) && p.At.Before(end) {
			run = ended(now, p.Trigger, api.Stale, api.ServerUnreachable)
		}
		l = s.Heed(l.Take(p, "x").Settle(true), run, now, luck.Float64())
	}
	return starts
}

// busiest is the most that starts within half a minute of a time.
func busiest(starts []time.Time, from, to time.Time) float64 {
	bins := make([]int, to.Sub(from)/(30*time.Second))
	for _, at := range starts {
		if bin := int(at.Sub(from) / (30 * time.Second)); !at.Before(from) && bin < len(bins) {
			bins[bin]++
		}
	}
	return float64(slices.Max(bins))
}

// A reload, or a restart, that leaves fewer tries than there were gives up the pending one.
func TestFewerRetries(t *testing.T) {
	rule := scheduler.Rule{Every: 30 * time.Minute, CatchUp: 15 * time.Minute, Retries: 3, Share: splay.Share{Fraction: 1. / 3}}
	old := spec(t, rule)
	now := clock("04:41:00")
	l := old.Heed(scheduler.Ledger{Through: clock("04:40:00"), Retries: 1}, ended(now, api.Schedule, api.Errored, api.ServerUnreachable), now, 0.5)
	for retries, want := range map[int]api.Trigger{0: api.Schedule, 1: api.Schedule, 2: api.Retry} {
		rule.Retries = retries
		s := spec(t, rule)
		if p := s.Plan(s.Replace(old, l, now)); p.Trigger != want {
			t.Errorf("retries: %d after a reload: %s (%s); want %s", retries, p.Trigger, p.Why, want)
		}
		if p := s.Plan(s.Observe(l, now)); p.Trigger != want {
			t.Errorf("retries: %d after a restart: %s (%s); want %s", retries, p.Trigger, p.Why, want)
		}
	}
}
