package scheduler_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

const patience = 20 * time.Minute // catch_up and the grace

func TestExpect(t *testing.T) {
	s := half(t, 15*time.Minute) // due at :10 and :40
	nights := spec(t, scheduler.Rule{Cron: "0 3 * * MON-FRI", Location: time.UTC, Mode: splay.None, CatchUp: 15 * time.Minute})
	friday := time.Date(2026, 11, 20, 3, 0, 1, 0, time.UTC)
	for name, c := range map[string]struct {
		spec     *scheduler.Spec
		heard    scheduler.Heard
		by, late time.Time
	}{
		"its own slot":             {s, scheduler.Heard{Begun: clock("12:10:01")}, clock("12:40:00"), clock("13:10:00")},
		"by hand, in between":      {s, scheduler.Heard{Begun: clock("12:30:00")}, clock("12:40:00"), clock("13:10:00")},
		"catch-up covers a slot":   {s, scheduler.Heard{Begun: clock("12:35:00"), NextDue: clock("13:10:00")}, clock("13:10:00"), clock("13:40:00")},
		"another schedule's word":  {s, scheduler.Heard{Begun: clock("12:10:01"), NextDue: clock("23:10:00")}, clock("13:10:00"), clock("13:40:00")},
		"an old word":              {s, scheduler.Heard{Begun: clock("12:30:00"), NextDue: clock("12:10:00")}, clock("12:40:00"), clock("13:10:00")},
		"one was skipped":          {s, scheduler.Heard{Begun: clock("12:10:01"), Skipped: clock("12:40:01")}, clock("13:10:00"), clock("13:40:00")},
		"many were skipped":        {s, scheduler.Heard{Begun: clock("02:10:01"), Skipped: clock("12:40:01")}, clock("03:10:00"), clock("03:40:00")},
		"skipped by hand, between": {s, scheduler.Heard{Begun: clock("12:10:01"), Skipped: clock("12:30:00")}, clock("12:40:00"), clock("13:10:00")},
		"a hold was lifted":        {s, scheduler.Heard{Begun: clock("02:10:01"), Skipped: clock("12:40:01"), OnPurpose: true}, clock("13:10:00"), clock("13:40:00")},
		"lifted by day, of nights": {nights, scheduler.Heard{Begun: friday, Skipped: friday.Add(72 * time.Hour), OnPurpose: true}, friday.Add(96*time.Hour - time.Second), friday.Add(120*time.Hour - time.Second)},
		"a weekend":                {nights, scheduler.Heard{Begun: friday}, friday.Add(72*time.Hour - time.Second), friday.Add(96*time.Hour - time.Second)},
	} {
		got := c.spec.Expect(c.heard)
		if !got.By.Equal(c.by.Add(patience)) || !got.Late.Equal(c.late.Add(patience)) {
			t.Errorf("%s: by %s, late %s; want %s, %s and %s each", name, got.By, got.Late, c.by, c.late, patience)
		}
		if !got.Quiet.IsZero() {
			t.Errorf("%s: quiet until %s, although nobody knows of a boot", name, got.Quiet)
		}
	}
}

func TestQuietAfterBoot(t *testing.T) {
	booted := clock("12:00:00")
	for catchUp, want := range map[time.Duration]time.Time{15 * time.Minute: clock("12:20:00"), 0: clock("12:15:00")} {
		got := half(t, catchUp).Expect(scheduler.Heard{Begun: clock("02:00:00"), Booted: booted})
		if !got.Quiet.Equal(want) {
			t.Errorf("catch_up %s: quiet until %s; want %s", catchUp, got.Quiet, want)
		}
	}
}

// A node that runs on time, or catches up as it is told to, is never called silent;
// one that does not run at all is, whatever its schedule.
func TestPunctualIsNeverSilent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := scheduler.New(drawRule(t))
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Unix(rapid.Int64Range(1.7e9, 1.9e9).Draw(t, "begun"), 0)
		next := s.Next(begun)
		e := s.Expect(scheduler.Heard{Begun: begun})
		if e.By.Before(next) || !e.Late.After(e.By) {
			t.Fatalf("a run at %s, the next due at %s: by %s, late %s", begun, next, e.By, e.Late)
		}
		if following := s.Next(s.Next(next)); e.Late.After(following.Add(3 * time.Hour)) {
			t.Fatalf("two slots after %s, at %s, are called missed at %s only", begun, following, e.Late)
		}
	})
}
