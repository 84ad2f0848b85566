package scheduler_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// placed is a half-hour schedule of a node at a minute of it.
func placed(t testing.TB, minute float64, catchUp time.Duration) *scheduler.Spec {
	return spec(t, scheduler.Rule{Every: 30 * time.Minute, CatchUp: catchUp, Mode: splay.Slot, Share: splay.Share{Fraction: minute / 30, Source: splay.FromSlot}})
}

// A node that ran at 05:10 is given another place. What comes next is half an interval
// away at least, and one and a half at most, and no slot is missed by it.
func TestMove(t *testing.T) {
	ran := scheduler.Ledger{Through: clock("05:10:00"), Ran: clock("05:10:00")}
	caughtUp := scheduler.Ledger{Through: clock("05:40:00"), Ran: clock("05:14:00")} // and covered 05:40
	for _, tt := range []struct {
		name, now string
		minute    float64
		ledger    scheduler.Ledger
		at, then  string
		trigger   api.Trigger
	}{
		{"later", "05:12:00", 25, ran, "05:25:00", "05:55:00", api.Schedule},
		{"too near", "05:12:00", 20, ran, "05:50:00", "06:20:00", api.Schedule},
		{"nearer than that", "05:12:00", 10.5, ran, "05:40:30", "06:10:30", api.Schedule},
		{"sooner", "05:12:00", 5, ran, "05:35:00", "06:05:00", api.Schedule},
		{"the new place has passed: once more at the old", "05:36:00", 28, ran, "05:40:00", "05:58:00", api.CatchUp},
		{"the old slot is due", "05:40:05", 15, ran, "05:40:00", "06:15:00", api.CatchUp},
		{"after a catch-up run", "05:16:00", 28, caughtUp, "05:58:00", "06:28:00", api.Schedule},
		{"after a catch-up run, near", "05:16:00", 29.5, caughtUp, "05:29:30", "05:59:30", api.Schedule},
		{"a ledger of an older version", "05:12:00", 20, scheduler.Ledger{Through: clock("05:10:00")}, "05:50:00", "06:20:00", api.Schedule},
	} {
		old, s := placed(t, 10, time.Hour), placed(t, tt.minute, time.Hour)
		l := s.Observe(s.Replace(old, tt.ledger, clock(tt.now)), clock(tt.now))
		p := s.Plan(l)
		if !p.At.Equal(clock(tt.at)) || p.Missed != 0 || p.Trigger != tt.trigger {
			t.Errorf("%s: got %+v, want %s", tt.name, p, tt.at)
		}
		if next := s.Due(l.Take(p, "1").Settle(true)); !next.Equal(clock(tt.then)) {
			t.Errorf("%s: then %s, want %s", tt.name, next, tt.then)
		}
	}
}

// What a node that is owed a run, or never ran, had before it was moved, it still has.
func TestMoveKeepsWhatIsOwed(t *testing.T) {
	old, s := placed(t, 10, 15*time.Minute), placed(t, 25, 15*time.Minute)
	for name, l := range map[string]scheduler.Ledger{
		"never ran":    old.Observe(scheduler.Ledger{}, clock("05:12:00")),
		"missed some":  old.Observe(scheduler.Ledger{Through: clock("03:10:00"), Ran: clock("03:10:00")}, clock("05:12:00")),
		"not launched": scheduler.Ledger{Through: clock("05:10:00")}.Take(scheduler.Plan{At: clock("05:10:00"), Through: clock("05:10:00"), Trigger: api.Schedule}, "1").Settle(false),
	} {
		got := s.Replace(old, l, clock("05:12:00"))
		if got.Missed != l.Missed || got.First != l.First || got.CatchUp.IsZero() || !got.Moved.IsZero() {
			t.Errorf("%s: %+v became %+v", name, l, got)
		}
	}
}

// A run that is tried again does not bring the slot back that was left out.
func TestMoveOutlivesARetry(t *testing.T) {
	old, s := placed(t, 10, time.Hour), placed(t, 20, time.Hour)
	l := s.Replace(old, scheduler.Ledger{
		Through: clock("05:10:00"), Ran: clock("05:10:00"), Again: scheduler.Again{At: clock("05:13:00"), Trigger: api.FollowUp},
	}, clock("05:12:00"))
	p := s.Plan(l)
	if p.Trigger != api.FollowUp {
		t.Fatalf("got %+v", p)
	}
	if next := s.Plan(l.Take(p, "1").Settle(true)); !next.At.Equal(clock("05:50:00")) {
		t.Errorf("got %+v, want 05:50", next)
	}
}

// A slot that a moved node missed is counted and made up for as any other.
func TestMovedAndMissed(t *testing.T) {
	old, s := placed(t, 10, 15*time.Minute), placed(t, 20, 15*time.Minute)
	l := s.Replace(old, scheduler.Ledger{Through: clock("05:10:00"), Ran: clock("05:10:00")}, clock("05:12:00"))
	l = s.Observe(l, clock("06:25:00")) // 05:50 and 06:20 have passed; 05:20 was left out
	if l.Missed != 2 || !l.Moved.IsZero() || l.CatchUp.IsZero() {
		t.Errorf("got %+v", l)
	}
}

// TestGaps gives a node one place after the other, at any moments. All its runs but those
// that come again are between half an interval and one and a half apart.
func TestGaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{T: t, real: clock("04:00:00"), launched: map[string]bool{}, pace: 30 * time.Second}
		w.real = w.real.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(t, "begin")))
		every := rapid.SampledFrom([]time.Duration{30 * time.Minute, 5 * time.Minute, 24 * time.Hour, 1234567891234}).Draw(t, "every")
		catchUp := time.Duration(rapid.Int64Range(0, int64(every/2)).Draw(t, "catch_up"))
		place := func() {
			w.useRule(scheduler.Rule{
				Every: every, CatchUp: catchUp, Mode: rapid.SampledFrom([]splay.Mode{splay.Hash, splay.Slot}).Draw(t, "mode"),
				Share: splay.Share{Fraction: rapid.Float64Range(0, 0.999999).Draw(t, "fraction")},
			})
		}
		place()
		for range rapid.IntRange(1, 8).Draw(t, "moves") {
			w.serve(time.Duration(rapid.Int64Range(0, int64(2*every)).Draw(t, "serve")), -1)
			old := w.spec
			place()
			w.write(w.spec.Replace(old, w.read(), w.now()))
			w.settled = time.Time{}
		}
		w.serve(4*every, -1)
		checkGaps(t, w.runs, every)
	})
}

func checkGaps(t *rapid.T, runs []run, every time.Duration) {
	var last *run
	for i := range runs {
		r := &runs[i]
		if r.Trigger == api.Retry || r.Trigger == api.FollowUp {
			continue
		}
		if last != nil {
			gap, least := r.At.Sub(last.At), every/2
			if last.Trigger == api.CatchUp && last.Why != "the last before the node's new place" {
				least = 0 // behind one, catch_up says which slots are too near
			}
			if gap < least || gap > every*3/2 {
				t.Fatalf("%v from %s (%s) to %s (%s)", gap, last.At, last.Why, r.At, r.Why)
			}
			if r.Missed > 0 && r.Trigger != api.CatchUp {
				t.Fatalf("%d missed at %s, although the node was never off", r.Missed, r.At)
			}
		}
		last = r
	}
	if len(runs) < 3 {
		t.Fatalf("%d runs", len(runs))
	}
}

// Beside cron and windows the next run is as late as the schedule itself pauses, and it is
// in open time.
func TestMoveBesideCronAndWindows(t *testing.T) {
	paris := zone(t, "Europe/Paris")
	night := windows(t, "02:00-04:00")
	cron := func(expr string) scheduler.Rule {
		return scheduler.Rule{Cron: expr, Location: time.UTC, Window: 30 * time.Minute}
	}
	for _, tt := range []struct {
		name     string
		rule     scheduler.Rule
		old, new float64
		now, at  string // now is right behind the run, or at another time of that day
	}{
		{"later in the hour, too near", cron("0 * * * *"), 0.1, 0.9, "", "2026-11-23 06:27"},
		{"sooner", cron("0 * * * *"), 0.9, 0.1, "", "2026-11-23 06:03"},
		{"passed: once more at the old place", cron("0 0-23/2 * * *"), 0.9, 0.1, "06:10", "2026-11-23 06:27"},
		{"nightly", scheduler.Rule{Every: 24 * time.Hour, Location: paris, Windows: night}, 0.1, 0.9, "", "2026-11-24 02:48"},
		{"nightly, sooner", scheduler.Rule{Every: 24 * time.Hour, Location: paris, Windows: night}, 0.9, 0.1, "", "2026-11-24 01:12"},
	} {
		share := func(f float64) *scheduler.Spec {
			r := tt.rule
			r.Share.Fraction = f
			return spec(t, r)
		}
		old, s := share(tt.old), share(tt.new)
		ran := old.Next(clock("00:30:00"))
		if tt.rule.Cron != "" {
			ran = old.Next(clock("04:30:00"))
		}
		now := ran.Add(time.Minute)
		if tt.now != "" {
			ran = old.Next(clock("03:30:00"))
			now = clock(tt.now + ":00")
		}
		l := s.Replace(old, scheduler.Ledger{Through: ran, Ran: ran}, now)
		if got := s.Plan(s.Observe(l, now)); got.At.Format("2006-01-02 15:04") != tt.at || got.Missed != 0 {
			t.Errorf("%s: ran at %s, got %+v, want %s", tt.name, ran, got, tt.at)
		}
	}
}

// A ledger that leaves a slot out of a day's schedule does not silence one of minutes.
func TestMovedUnderAnotherSchedule(t *testing.T) {
	l := scheduler.Ledger{Through: clock("05:10:00"), Ran: clock("05:10:00"), Moved: clock("05:10:00").Add(36 * time.Hour)}
	s := placed(t, 10, 15*time.Minute)
	if p := s.Plan(s.Observe(l, clock("05:12:00"))); !p.At.Equal(clock("06:10:00")) {
		t.Errorf("got %+v, want 06:10", p)
	}
}
