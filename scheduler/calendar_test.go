package scheduler_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones must not be those of the machine

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func spec(t testing.TB, r scheduler.Rule) *scheduler.Spec {
	t.Helper()
	s, err := scheduler.New(r)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func unsplayed(t testing.TB, expr, zoneName string) *scheduler.Spec {
	t.Helper()
	return spec(t, scheduler.Rule{Cron: expr, Location: zone(t, zoneName), Mode: splay.None})
}

// TestClocksAreSet has the rules of daylight saving time, and the zones in which the
// library loses slots, doubles them or never returns.
func TestClocksAreSet(t *testing.T) {
	for _, tt := range []struct {
		name, zone, expr, from string
		want                   []string
	}{
		{
			"fixed, in the gap: at its end, once", "Europe/Paris", "*/20 2 * * *", "2026-03-28T12:00",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00", "2026-03-30T02:20:00+02:00"},
		},
		{
			"fixed, in the gap and at its end: once", "Europe/Paris", "0 2,3 * * *", "2026-03-28T12:00",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"},
		},
		{
			"fixed, in the doubled hour: the first time", "Europe/Paris", "30 2 * * *", "2026-10-24T12:00",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"},
		},
		{
			"fixed, asked within the doubled hour, the second time", "Europe/Paris", "30 2 * * *", "2026-10-25T02:10",
			[]string{"2026-10-26T02:30:00+01:00"},
		},
		{
			"every hour, over the gap", "Europe/Paris", "30 * * * *", "2026-03-29T00:45",
			[]string{"2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"},
		},
		{
			"every hour, over the doubled hour", "Europe/Paris", "30 * * * *", "2026-10-25T01:45",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00"},
		},
		{
			"every second hour, over the gap", "Europe/Paris", "0 */2 * * *", "2026-03-28T23:00",
			[]string{"2026-03-29T00:00:00+01:00", "2026-03-29T04:00:00+02:00"},
		},
		{
			"@hourly is every hour", "Europe/Paris", "@hourly", "2026-10-25T01:45",
			[]string{"2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"},
		},
		{
			"the half hour of Lord Howe: the hour behind the gap", "Australia/Lord_Howe", "0 3 * * *", "2026-10-03T12:00",
			[]string{"2026-10-04T03:00:00+11:00", "2026-10-05T03:00:00+11:00"},
		},
		{
			"the half hour of Lord Howe: in the gap", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00",
			[]string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"},
		},
		{
			"the half hour of Lord Howe: doubled", "Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00",
			[]string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"},
		},
		{
			"no midnight: the day is not lost", "America/Santiago", "0 12 * * SUN", "2026-09-01T12:00",
			[]string{"2026-09-06T12:00:00-03:00", "2026-09-13T12:00:00-03:00"},
		},
		{
			"no midnight: its run is at the gap's end", "America/Santiago", "@weekly", "2026-09-01T12:00",
			[]string{"2026-09-06T01:00:00-03:00", "2026-09-13T00:00:00-03:00"},
		},
		{
			"no midnight in Cairo", "Africa/Cairo", "0 0 24 4 *", "2026-01-01T12:00",
			[]string{"2026-04-24T01:00:00+03:00", "2027-04-24T00:00:00+02:00"},
		},
		{
			"Ramadan in Casablanca", "Africa/Casablanca", "30 2 * * *", "2026-02-14T12:00",
			[]string{"2026-02-15T02:30:00+01:00", "2026-02-16T02:30:00Z"},
		},
		{
			"a day that never was: at its end", "Pacific/Apia", "0 12 30 12 *", "2011-12-01T12:00",
			[]string{"2011-12-31T00:00:00+14:00", "2012-12-30T12:00:00+14:00"},
		},
		{
			"the day behind it, where the library never returns", "Pacific/Apia", "0 0 31 * *", "2011-12-29T12:00",
			[]string{"2011-12-31T00:00:00+14:00", "2012-01-31T00:00:00+14:00"},
		},
		{
			"the last day of a leap year for which Go's rules end a day early", "Europe/Paris", "0 12 * * *", "2040-12-30T13:00",
			[]string{"2040-12-31T12:00:00+01:00", "2041-01-01T12:00:00+01:00"},
		},
		{
			"the same in the south", "Australia/Lord_Howe", "30 23 * * *", "2040-12-30T23:40",
			[]string{"2040-12-31T23:30:00+11:00", "2041-01-01T23:30:00+11:00"},
		},
		{
			"8 years without a 29 February", "UTC", "0 0 29 2 *", "2096-03-01T00:00",
			[]string{"2104-02-29T00:00:00Z", "2108-02-29T00:00:00Z"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			loc := zone(t, tt.zone)
			from, err := time.ParseInLocation("2006-01-02T15:04", tt.from, loc)
			if err != nil {
				t.Fatal(err)
			}
			s := unsplayed(t, tt.expr, tt.zone)
			var got []string
			for range tt.want {
				from = s.Next(from)
				got = append(got, from.In(loc).Format(time.RFC3339))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
