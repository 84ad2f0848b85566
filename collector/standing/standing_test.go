package standing_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

var t0 = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func TestJudge(t *testing.T) {
	const minute, day = time.Minute, 24 * time.Hour
	known := standing.Facts{LastSeen: t0, Expected: t0.Add(30 * minute), Interval: 30 * minute, Timeout: 65 * minute, Outcome: api.Unchanged}
	with := func(change func(*standing.Facts)) standing.Facts {
		f := known
		change(&f)
		return f
	}
	running := with(func(f *standing.Facts) { f.Begun = t0.Add(29 * minute) })
	bad := func(o api.Outcome, streak int) standing.Facts {
		return with(func(f *standing.Facts) { f.Outcome, f.Streak = o, streak })
	}
	// The collector was away for an hour, which it knows at 90 minutes.
	away := func(f standing.Facts, was standing.Presence, troubles ...standing.Trouble) standing.Facts {
		f.Heard, f.Presence = t0.Add(100*minute), was
		for _, t := range troubles {
			f.Troubles.Add(t)
		}
		return f
	}
	ending := with(func(f *standing.Facts) { f.CertificateEnds = t0.Add(10 * day) })
	for name, tt := range map[string]struct {
		facts    standing.Facts
		after    time.Duration
		presence standing.Presence
		troubles []standing.Trouble
		until    time.Duration // after t0
		retire   bool
	}{
		"on time":                    {known, 0, standing.Present, nil, 35 * minute, false},
		"within its grace":           {known, 35*minute - 1, standing.Present, nil, 35 * minute, false},
		"late":                       {known, 35 * minute, standing.Late, nil, 65 * minute, false},
		"silent":                     {known, 65 * minute, standing.Silent, []standing.Trouble{standing.Gone}, 65*minute + 30*day, false},
		"retired":                    {known, 65*minute + 30*day, standing.Silent, []standing.Trouble{standing.Gone}, 0, true},
		"seen since":                 {with(func(f *standing.Facts) { f.LastSeen = t0.Add(29 * day) }), 31 * day, standing.Silent, []standing.Trouble{standing.Gone}, 59 * day, false},
		"running":                    {running, 70 * minute, standing.Present, nil, 99 * minute, false},
		"stuck, not silent as well":  {running, 99 * minute, standing.Silent, []standing.Trouble{standing.Stuck}, 65*minute + 30*day, false},
		"no schedule":                {standing.Facts{LastSeen: t0}, 29 * day, standing.Unknown, nil, 30 * day, false},
		"no schedule, for long":      {standing.Facts{LastSeen: t0}, 30 * day, standing.Unknown, nil, 0, true},
		"nobody listened":            {away(known, standing.Present), 90 * minute, standing.Present, nil, 100 * minute, false},
		"nobody listened, and then":  {away(known, standing.Present), 100 * minute, standing.Silent, []standing.Trouble{standing.Gone}, 65*minute + 30*day, false},
		"nobody listened; was late":  {away(known, standing.Late), 90 * minute, standing.Late, nil, 100 * minute, false},
		"nobody listened; silent":    {away(known, standing.Silent, standing.Gone), 90 * minute, standing.Silent, []standing.Trouble{standing.Gone}, 65*minute + 30*day, false},
		"nobody listened; running":   {away(with(func(f *standing.Facts) { f.Begun = t0 }), standing.Present), 90 * minute, standing.Present, nil, 100 * minute, false},
		"nobody listened; stuck":     {away(with(func(f *standing.Facts) { f.Begun = t0 }), standing.Present, standing.Stuck), 90 * minute, standing.Present, []standing.Trouble{standing.Stuck}, 100 * minute, false},
		"nobody listened for a year": {away(standing.Facts{LastSeen: t0.Add(-365 * day)}, standing.Unknown), 90 * minute, standing.Unknown, nil, 100 * minute, false},
		"failed twice":               {bad(api.Failed, 2), 0, standing.Present, nil, 35 * minute, false},
		"failed three times":         {bad(api.TimedOut, 3), 0, standing.Present, []standing.Trouble{standing.Failing}, 35 * minute, false},
		"stale":                      {bad(api.Stale, 1), 0, standing.Present, []standing.Trouble{standing.Stale}, 35 * minute, false},
		"errored":                    {bad(api.Errored, 7), 0, standing.Present, []standing.Trouble{standing.Errored}, 35 * minute, false},
		"an unknown outcome":         {bad("odd", 7), 0, standing.Present, nil, 35 * minute, false},
		"certificate":                {ending, 0, standing.Present, []standing.Trouble{standing.Ending}, 35 * minute, false},
	} {
		got := standing.DefaultRules().Judge(tt.facts, t0.Add(tt.after))
		var until time.Time
		if tt.until != 0 {
			until = t0.Add(tt.until)
		}
		if got.Presence != tt.presence || !slices.Equal(got.Troubles.List(), tt.troubles) || got.Retire != tt.retire || !got.Until.Equal(until) {
			t.Errorf("%s: %+v %v, want %+v", name, got, got.Troubles.List(), tt)
		}
	}
}

// A standing that is judged again is what it was, until its Until.
func TestUntil(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := func(label string) time.Time {
			if m := rapid.IntRange(-1, 100).Draw(t, label); m >= 0 {
				return t0.Add(time.Duration(m) * time.Minute)
			}
			return time.Time{}
		}
		f := standing.Facts{
			LastSeen: t0, Expected: at("expected"), Interval: 30 * time.Minute, Begun: at("begun"), Timeout: 65 * time.Minute,
			Presence: rapid.SampledFrom(standing.Presences()).Draw(t, "was"), Heard: at("heard"),
			Outcome: rapid.SampledFrom(api.Outcomes()).Draw(t, "outcome"), Streak: rapid.IntRange(0, 4).Draw(t, "streak"), CertificateEnds: at("certificate"),
		}
		rules := standing.Rules{Missed: rapid.IntRange(1, 3).Draw(t, "missed"), Grace: time.Minute, Retire: time.Hour, FailingAfter: 3, StaleAfter: 1, ErroredAfter: 1}
		now := t0.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "now")) * time.Minute)
		is := rules.Judge(f, now)
		f.Presence, f.Troubles = is.Presence, is.Troubles // which is what is known from now on
		again := rules.Judge(f, now)
		if again.Presence != is.Presence || again.Troubles != is.Troubles || again.Retire != is.Retire || again.Until.Before(is.Until) {
			t.Fatalf("%+v at %s, and then %+v", is, now, again)
		}
		is = again
		later := now.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "later")) * time.Minute)
		if !is.Until.IsZero() {
			if !is.Until.After(now) {
				t.Fatalf("until %s, judged at %s", is.Until, now)
			}
			later = is.Until.Add(-1)
		}
		if then := rules.Judge(f, later); then != is {
			t.Fatalf("%+v at %s, %+v at %s", is, now, then, later)
		}
	})
}
