package scheduler_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// clock is a time of the day on which these tests happen.
func clock(hhmmss string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", "2026-11-23 "+hhmmss)
	if err != nil {
		panic(err)
	}
	return t
}

// half is the usual schedule on a node that is due 10 and 40 minutes past the hour.
func half(t testing.TB, catchUp time.Duration) *scheduler.Spec {
	return spec(t, scheduler.Rule{Every: 30 * time.Minute, CatchUp: catchUp, Share: splay.Share{Fraction: 1. / 3}})
}

// TestPlan shows what a node that comes back at a time does next. It settled the
// slots until 04:40 before.
func TestPlan(t *testing.T) {
	const quarter = 15 * time.Minute
	for _, tt := range []struct {
		name, now string
		catchUp   time.Duration
		ledger    scheduler.Ledger
		at        string
		trigger   api.Trigger
		missed    int
	}{
		{"nothing missed", "04:50:00", quarter, scheduler.Ledger{}, "05:10:00", api.Schedule, 0},
		{"a little late", "05:10:09", quarter, scheduler.Ledger{}, "05:10:00", api.Schedule, 0},
		{"missed, the next is near", "06:30:00", quarter, scheduler.Ledger{}, "06:40:00", api.Schedule, 3},
		{"missed, the next is far", "06:15:00", quarter, scheduler.Ledger{}, "06:25:00", api.CatchUp, 3},
		{"missed, the next is furthest", "06:11:00", quarter, scheduler.Ledger{}, "06:25:00", api.CatchUp, 3},
		{"missed, the next is now", "06:10:09", quarter, scheduler.Ledger{}, "06:10:00", api.Schedule, 2},
		{"no catching up", "06:15:00", 0, scheduler.Ledger{}, "06:40:00", api.Schedule, 3},
		{"catching up goes on after a restart", "06:20:00", quarter, scheduler.Ledger{Through: clock("06:14:00"), Missed: 3, CatchUp: clock("06:25:00")}, "06:25:00", api.CatchUp, 3},
		{"off again before that", "07:15:00", quarter, scheduler.Ledger{Through: clock("06:14:00"), Missed: 3, CatchUp: clock("06:25:00")}, "07:20:50", api.CatchUp, 5},
		{"set back an hour", "03:50:00", quarter, scheduler.Ledger{}, "05:10:00", api.Schedule, 0},
		{"set back to the bound", "03:10:00", quarter, scheduler.Ledger{}, "05:10:00", api.Schedule, 0},
		{"set back beyond it", "03:09:59", quarter, scheduler.Ledger{}, "03:10:00", api.Schedule, 0},
		{"set back while catching up", "05:30:00", quarter, scheduler.Ledger{Through: clock("06:14:00"), Missed: 3, CatchUp: clock("06:25:00")}, "05:37:30", api.CatchUp, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := tt.ledger
			if l.Through.IsZero() {
				l.Through = clock("04:40:00")
			}
			s := half(t, tt.catchUp)
			p := s.Plan(s.Observe(l, clock(tt.now)))
			if at := p.At.Round(time.Second); !at.Equal(clock(tt.at)) || p.Trigger != tt.trigger || p.Missed != tt.missed {
				t.Errorf("got %v %s %d, want %s %s %d", at, p.Trigger, p.Missed, tt.at, tt.trigger, tt.missed)
			}
		})
	}
}

func TestFirstStart(t *testing.T) {
	for now, want := range map[string]string{
		"04:30:00": "04:40:00 schedule", // within catch_up
		"04:15:00": "04:25:00 catchup",
		"04:11:00": "04:25:00 catchup",
	} {
		s := half(t, 15*time.Minute)
		p := s.Plan(s.Observe(scheduler.Ledger{}, clock(now)))
		if got := p.At.Round(time.Minute).Format(time.TimeOnly) + " " + string(p.Trigger); got != want || p.Missed != 0 {
			t.Errorf("%s: got %s with %d missed, want %s", now, got, p.Missed, want)
		}
	}
	s := half(t, 0)
	if p := s.Plan(s.Observe(scheduler.Ledger{}, clock("04:15:00"))); !p.At.Equal(clock("04:40:00")) {
		t.Errorf("got %v, want the next slot", p.At)
	}
}

// A catch-up run takes the place of the slots that would follow it too soon.
func TestCatchUpCovers(t *testing.T) {
	s := spec(t, scheduler.Rule{Cron: "0 * * * *", Location: time.UTC, Mode: splay.None, CatchUp: 20 * time.Minute, Share: splay.Share{Fraction: 0.9}})
	l := s.Observe(scheduler.Ledger{Through: clock("02:00:00")}, clock("04:35:00"))
	p := s.Plan(l)
	if !p.At.Equal(clock("04:53:00")) || p.Missed != 3 || !p.Through.Equal(clock("05:00:00")) {
		t.Errorf("got %+v, want a run at 04:53 for 03:00, 04:00 and 05:00", p)
	}
	if next := s.Plan(l.Take(p, "1")); !next.At.Equal(clock("06:00:00")) || next.Missed != 0 {
		t.Errorf("then %+v, want 06:00", next)
	}
}

// A box that is never on for as long as catch_up still gets its run.
func TestShortDays(t *testing.T) {
	s := half(t, 15*time.Minute)
	l := scheduler.Ledger{Through: clock("04:40:00")}
	for boot := range 10 {
		on := clock("05:00:00").Add(time.Duration(boot) * time.Hour) // for two minutes
		l = s.Observe(l, on)
		if p := s.Plan(l); p.At.Before(on.Add(2 * time.Minute)) {
			if p.Trigger != api.CatchUp {
				t.Errorf("got %+v", p)
			}
			return
		}
	}
	t.Error("10 boots, and no run")
}

// What was taken and not launched is counted, and made up for.
func TestSettle(t *testing.T) {
	s := half(t, 15*time.Minute)
	now := clock("05:10:00")
	l := s.Observe(scheduler.Ledger{Through: clock("04:40:00"), Missed: 2}, now)
	l = l.Take(s.Plan(l), "7")
	want := scheduler.Taken{ID: "7", Due: now, Trigger: api.Schedule, Missed: 2}
	if l.Taken != want || l.Missed != 0 {
		t.Errorf("got %+v, want it to hold %+v", l, want)
	}
	if p := s.Plan(s.Observe(l.Settle(true), now)); !p.At.Equal(clock("05:40:00")) || p.Missed != 0 {
		t.Errorf("launched: got %+v", p)
	}
	if p := s.Plan(s.Observe(l.Settle(false), now)); !p.At.Equal(now) || p.Missed != 3 || p.Trigger != api.CatchUp {
		t.Errorf("not launched: got %+v", p)
	}
	if got := (scheduler.Ledger{Through: now, Missed: 1}).Settle(false); got != (scheduler.Ledger{Through: now, Missed: 1}) {
		t.Errorf("nothing was taken: got %+v", got)
	}
}

func TestReplace(t *testing.T) {
	old := half(t, 15*time.Minute)
	l := scheduler.Ledger{Through: clock("05:10:00")}
	daily := spec(t, scheduler.Rule{Cron: "0 6 * * *", Location: zone(t, "UTC"), Mode: splay.None, CatchUp: 15 * time.Minute})
	often := spec(t, scheduler.Rule{Every: 10 * time.Minute, Mode: splay.None, CatchUp: time.Minute})
	for _, tt := range []struct {
		name, now string
		s         *scheduler.Spec
		at        string
		missed    int
	}{
		{"the same", "05:40:09", half(t, 15*time.Minute), "05:40:00", 0},
		{"the next is later", "05:20:00", daily, "06:00:00", 0},
		{"one was due", "05:40:00", daily, "05:40:00", 1},
		{"the new one would have run", "05:25:00", often, "05:25:00", 0},
	} {
		p := tt.s.Plan(tt.s.Replace(old, l, clock(tt.now)))
		if !p.At.Equal(clock(tt.at)) || p.Missed != tt.missed {
			t.Errorf("%s: got %+v, want %s and %d missed", tt.name, p, tt.at, tt.missed)
		}
	}
}

// A catch-up run is a run: what a node that has just had one would have had by another schedule before is not owed. So
// it is with the first run, which tells the node its certname and thereby its place.
func TestReplaceAfterCatchUp(t *testing.T) {
	old := half(t, 15*time.Minute)
	for name, l := range map[string]scheduler.Ledger{
		"first run": old.Observe(scheduler.Ledger{}, clock("05:20:00")),
		"missed":    old.Observe(scheduler.Ledger{Through: clock("04:40:00")}, clock("05:20:00")),
	} {
		p := old.Plan(l)
		if p.Trigger != api.CatchUp || !p.At.After(clock("05:20:30")) {
			t.Fatalf("%s: got %+v", name, p)
		}
		at := clock("05:20:30").Sub(clock("05:00:00"))
		s := spec(t, scheduler.Rule{Every: 30 * time.Minute, CatchUp: 15 * time.Minute, Share: splay.Share{Fraction: at.Minutes() / 30}})
		l = s.Replace(old, l.Take(p, "1").Settle(true), p.At)
		if got := s.Plan(l); got.Trigger != api.Schedule || !l.CatchUp.IsZero() {
			t.Errorf("%s: after a run at %s got %+v", name, p.At, got)
		}
	}
}

// A long absence costs little, and no number overflows.
func TestYearsLater(t *testing.T) {
	for _, s := range []*scheduler.Spec{half(t, time.Minute), unsplayed(t, "* * * * *", "Europe/Paris"), spec(t, scheduler.Rule{Every: time.Second})} {
		start := time.Now()
		l := s.Observe(scheduler.Ledger{Through: clock("04:40:00")}, clock("04:40:00").AddDate(400, 0, 0))
		if l.Missed != 100_000 || s.Plan(l).At.Year() != 2426 {
			t.Errorf("got %+v", l)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("took %v", d)
		}
	}
}

func TestLedgerIsKeptAsJSON(t *testing.T) {
	want := scheduler.Ledger{
		Through: clock("05:10:00").Add(7), Missed: 1, CatchUp: clock("05:12:00"), Tries: 2,
		Taken: scheduler.Taken{ID: "x", Due: clock("05:10:00"), Trigger: api.CatchUp, Missed: 3},
		Again: scheduler.Again{At: clock("05:11:00"), Trigger: api.Retry}, Retries: 1,
		Ran: clock("05:09:00"), Moved: clock("05:30:00"),
	}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got scheduler.Ledger
	if err := json.Unmarshal(data, &got); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	data, _ = json.Marshal(scheduler.Ledger{Through: clock("05:10:00")})
	if diff := cmp.Diff(`{"through":"2026-11-23T05:10:00Z"}`, string(data)); diff != "" {
		t.Error(diff)
	}
}

// A run that is owed says why: the node never ran, missed slots, or has another schedule.
func TestWhyOwed(t *testing.T) {
	old := half(t, 15*time.Minute)
	s := spec(t, scheduler.Rule{Every: 20 * time.Minute, CatchUp: 15 * time.Minute, Share: splay.Share{Fraction: 0.8}})
	first := old.Observe(scheduler.Ledger{}, clock("05:20:00"))
	settled := scheduler.Ledger{Through: clock("04:40:00")}
	for want, p := range map[string]scheduler.Plan{
		"first run":                          old.Plan(first),
		"catch-up, the schedule has changed": s.Plan(s.Replace(old, settled, clock("04:58:00"))),
		"catch-up, 2 missed":                 old.Plan(old.Observe(settled, clock("05:41:00"))),
	} {
		if p.Trigger != api.CatchUp || p.Why != want {
			t.Errorf("got %s, %q; want %q", p.Trigger, p.Why, want)
		}
	}
	p := old.Plan(first)
	if again := old.Plan(first.Take(p, "x").Settle(false)); again.Why != "first run" {
		t.Errorf("a first run that was never launched: %q", again.Why)
	}
	if l := first.Take(p, "x").Settle(true); l.First {
		t.Error("after the first run the node counts as one that never ran")
	}
}
