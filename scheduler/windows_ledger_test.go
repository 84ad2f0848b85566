package scheduler_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// drawWindowedRule is of a schedule that comes in its windows each day or week.
func drawWindowedRule(t *rapid.T) scheduler.Rule {
	for {
		r := drawRule(t)
		if r.Every > 0 {
			r.Every = rapid.SampledFrom([]time.Duration{30 * time.Minute, 6 * time.Hour, 24 * time.Hour, 12345678912345}).Draw(t, "every")
		}
		_, r.Windows = drawWindows(t)
		r.Location = time.UTC
		if _, err := scheduler.New(r); err == nil {
			return r
		}
	}
}

func newWindowedWorld(t *rapid.T) *world {
	w := newWorld(t)
	w.useRule(drawWindowedRule(t))
	w.pace = 20 * time.Minute
	return w
}

// TestWindowsWhateverHappens lets anything happen to the clock, the daemon and the
// windows, in which the world looks at each launch. Then a node that is left alone
// runs each slot, once, and nothing else.
func TestWindowsWhateverHappens(t *testing.T) {
	const days = 24 * time.Hour
	rapid.Check(t, func(t *rapid.T) {
		w := newWindowedWorld(t)
		for range rapid.IntRange(1, 5).Draw(t, "events") {
			w.serve(time.Duration(rapid.IntRange(0, 30*3600).Draw(t, "serve"))*time.Second, -1)
			switch rapid.SampledFrom([]string{"step", "suspend", "kill", "reload", "move"}).Draw(t, "event") {
			case "step":
				w.step(rapid.SampledFrom([]time.Duration{time.Second, -time.Second, time.Hour, -time.Hour, 400 * days, -400 * days}).Draw(t, "step"))
			case "suspend":
				w.real = w.real.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "hours")) * time.Hour)
			case "kill":
				w.serve(2*days, rapid.IntRange(0, 5).Draw(t, "steps"))
			case "reload":
				old := w.spec
				w.useRule(drawWindowedRule(t))
				w.write(w.spec.Replace(old, w.read(), w.now()))
				w.settled = time.Time{}
			case "move":
				w.move()
			}
		}
		w.serve(9*days, -1) // a window may come once a week
		w.checkEachSlotRuns(9*days, func() { w.serve(9*days, -1) })
	})
}

// checkEachSlotRuns holds the runs of a time against its slots.
func (w *world) checkEachSlotRuns(d time.Duration, live func()) {
	w.start()
	from, earlier, due := w.now(), len(w.runs), w.spec.Next(w.read().Through)
	live()
	runs := slices.DeleteFunc(slices.Clone(w.runs[earlier:]), func(r run) bool { return r.Trigger == api.Retry || r.Trigger == api.FollowUp })
	for ; due.Before(from.Add(d)) && len(runs) > 0; due = w.spec.Next(due) {
		if r := runs[0]; r.Trigger != api.Schedule || !r.At.Equal(due) || r.Missed > 0 && due.After(from.Add(d/2)) {
			w.Fatalf("slot %v: got %+v", due, r)
		}
		runs = runs[1:]
	}
	if len(runs) > 0 || due.Before(from.Add(d)) {
		w.Fatalf("slot %v: %d runs too many, %+v", due, len(runs), runs)
	}
}

// TestOnDuringItsWindows is a node that is on in its windows, for longer or not, and
// off between them: no slot is missed.
func TestOnDuringItsWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWindowedWorld(t)
		w.write(scheduler.Ledger{Through: w.now()})
		before := rapid.SampledFrom([]time.Duration{0, time.Second, time.Hour}).Draw(t, "before")
		end := w.real.Add(9 * 24 * time.Hour)
		w.checkEachSlotRuns(end.Sub(w.real), func() {
			for w.real.Before(end) {
				on := w.spec.Window(w.real).Mode != scheduler.WindowSkip || w.spec.Window(w.real.Add(before)).Mode != scheduler.WindowSkip
				if step := w.real.Truncate(time.Minute).Add(time.Minute).Sub(w.real); on {
					w.serve(min(step, end.Sub(w.real)), -1)
				} else {
					w.real = w.real.Add(step)
				}
			}
		})
	})
}

// A node that is on each day from before its window until before its slot gets its
// run within days, and not all of its fleet at once.
func TestShortDaysInWindows(t *testing.T) {
	s := spec(t, scheduler.Rule{
		Every: 24 * time.Hour, CatchUp: 15 * time.Minute, Location: time.UTC, Windows: windows(t, "22:00-24:00"),
		Share: splay.Share{Fraction: 0.9},
	})
	l := scheduler.Ledger{Through: clock("04:00:00")}
	for day := range 5 {
		boot := clock("21:00:00").AddDate(0, 0, day)
		for now := boot; now.Before(boot.Add(75 * time.Minute)); now = now.Add(30 * time.Second) {
			l = s.Observe(l, now)
			p := s.Plan(l)
			if p.At.After(now) {
				continue
			}
			if day != 2 || p.Trigger != api.CatchUp || p.Missed != 2 || p.At.Before(boot.Add(time.Hour)) {
				t.Errorf("day %d: got %+v", day, p)
			}
			return
		}
	}
	t.Error("5 days, and no run")
}

// What was missed is reported by the next slot when its catch-up run would be in
// closed time, after a return as after a reload.
func TestCatchUpIsInOpenTime(t *testing.T) {
	rule := scheduler.Rule{Every: time.Hour, CatchUp: 30 * time.Minute, Location: time.UTC, Mode: splay.None, Share: splay.Share{Fraction: 2. / 3}}
	always := spec(t, rule)
	rule.Windows = windows(t, "04:00-05:00", "10:00-12:00")
	s := spec(t, rule)
	for now, want := range map[string]string{
		"04:15:00": "catchup 04:35:00", // of the missed 04:00
		"04:50:00": "schedule 10:00:00",
		"07:00:00": "schedule 10:00:00",
		"09:40:00": "schedule 10:00:00", // within catch_up
	} {
		p := s.Plan(s.Observe(scheduler.Ledger{Through: clock("03:00:00")}, clock(now)))
		if got := string(p.Trigger) + p.At.Round(time.Second).Format(" 15:04:05"); got != want || p.Missed > 1 {
			t.Errorf("%s: got %s %+v, want %s", now, got, p, want)
		}
	}
	l := scheduler.Ledger{Through: clock("06:05:00"), Missed: 2, CatchUp: clock("06:20:00")}
	if p := s.Plan(s.Replace(always, l, clock("06:10:00"))); !p.At.Equal(clock("10:00:00")) || p.Missed != 2 {
		t.Errorf("got %+v", p)
	}
}

// TestReplaceWindows: a reload loses no slot and makes none up.
func TestReplaceWindows(t *testing.T) {
	rule := scheduler.Rule{Every: time.Hour, CatchUp: 15 * time.Minute, Location: time.UTC, Mode: splay.None}
	with := func(texts ...string) *scheduler.Spec { rule.Windows = windows(t, texts...); return spec(t, rule) }
	old := with("02:00-05:00", "10:00-12:00 noop")
	l := scheduler.Ledger{Through: clock("04:00:00")}
	for _, tt := range []struct {
		name, now string
		s         *scheduler.Spec
		at        string
		missed    int
	}{
		{"the same, read twice", "04:30:00", with("02:00-05:00", "10:00-12:00 noop"), "10:00:00", 0},
		{"another mode", "04:30:00", with("02:00-05:00", "10:00-12:00"), "10:00:00", 0},
		{"a longer window", "04:30:00", with("02:00-06:00"), "05:00:00", 0},
		{"one that is open now and was not", "06:30:00", with("02:00-08:00"), "06:30:00", 0},
		{"none any more", "06:30:00", with(), "06:30:00", 0},
		{"one was due", "10:00:00", with("02:00-08:00"), "02:00:00", 1},
	} {
		p := tt.s.Plan(tt.s.Replace(old, l, clock(tt.now)))
		want := clock(tt.at)
		if want.Before(clock(tt.now)) {
			want = want.AddDate(0, 0, 1)
		}
		if !p.At.Equal(want) || p.Missed != tt.missed {
			t.Errorf("%s: got %+v, want %v and %d missed", tt.name, p, want, tt.missed)
		}
	}
}
