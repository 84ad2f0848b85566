package scheduler_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// windows reads "MON-FRI 22:00-05:00 noop", one per entry; days and mode may lack.
func windows(t testing.TB, texts ...string) *scheduler.Windows {
	t.Helper()
	w, err := scheduler.NewWindows(windowRules(texts...))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func windowRules(texts ...string) []scheduler.WindowRule {
	var rules []scheduler.WindowRule
	for _, text := range texts {
		r := scheduler.WindowRule{Mode: scheduler.WindowRun}
		for word := range strings.FieldsSeq(text) {
			from, to, ranged := strings.Cut(word, "-")
			switch {
			case ranged && strings.Contains(word, ":"):
				r.From, r.To = from, to
			case word == "run" || word == "noop" || word == "skip":
				r.Mode = scheduler.WindowMode(word)
			default:
				r.Days = word
			}
		}
		rules = append(rules, r)
	}
	return rules
}

func TestBadWindows(t *testing.T) {
	for _, tt := range []struct {
		want    string
		windows []string
	}{
		{`windows[0].from: must be a time of day such as "22:00", with two digits each, not "24:01"`, []string{"24:01-05:00"}},
		{`windows[0].from: must be "00:00" of the day that it belongs to, not "24:00"`, []string{"24:00-05:00"}},
		{`windows[0].to: must be a time of day such as "22:00", with two digits each, not "5:00"`, []string{"22:00-5:00"}},
		{`windows[0].to: must be a time of day such as "22:00", with two digits each, not ""`, []string{"22:00-"}},
		{`windows[0]: begins and ends at 00:00: for whole days write from: "00:00", to: "24:00"`, []string{"00:00-00:00"}},
		{`windows[0].days: must be days such as MON-FRI or "SAT,SUN", of SUN, MON, TUE, WED, THU, FRI and SAT, not "MON-"`, []string{"MON- 22:00-05:00"}},
		{`windows[0].days: must be days such as MON-FRI or "SAT,SUN", of SUN, MON, TUE, WED, THU, FRI and SAT, not "MON,,TUE"`, []string{"MON,,TUE 22:00-05:00"}},
		{`windows[0].days: must be days such as MON-FRI or "SAT,SUN", of SUN, MON, TUE, WED, THU, FRI and SAT, not "1-5"`, []string{"1-5 22:00-05:00"}},
		{`windows[1]: 04:00-06:00 overlaps windows[0], 22:00-05:00, on SUN at 04:00: every time must be in one window at most`, []string{"22:00-05:00", "04:00-06:00"}},
		{`windows[1]: SUN 00:00-24:00 overlaps windows[0], SAT 22:00-05:00, on SUN at 00:00: every time must be in one window at most`, []string{"SAT 22:00-05:00", "SUN 00:00-24:00"}},
		{`windows[1]: SAT 22:00-05:00 overlaps windows[0], SUN 00:00-00:01, on SUN at 00:00: every time must be in one window at most`, []string{"SUN 00:00-00:01 skip", "SAT 22:00-05:00"}},
		{`windows: no run could ever start: the windows of mode skip fill the whole week; leave some time free`, []string{"22:00-05:00 skip", "05:00-22:00 skip"}},
		{`windows: no run could ever start: the windows of mode skip fill the whole week; leave some time free`, []string{"SAT-MON 00:00-24:00 skip", "TUE-FRI 00:00-24:00 skip"}},
	} {
		_, err := scheduler.NewWindows(windowRules(tt.windows...))
		if _, ok := errors.AsType[*scheduler.Error](err); !ok || err.Error() != tt.want {
			t.Errorf("%q:\ngot  %v\nwant %s", tt.windows, err, tt.want)
		}
	}
	if w, err := scheduler.NewWindows(nil); w != nil || err != nil {
		t.Errorf("got %v, %v", w, err)
	}
	mode := []scheduler.WindowRule{{From: "01:00", To: "02:00"}}
	if _, err := scheduler.NewWindows(mode); err == nil || err.Error() != `windows[0].mode: must be run, noop or skip, not ""` {
		t.Errorf("got %v", err)
	}
}

// Windows side by side do not overlap, over midnight and the week's end.
func TestGoodWindows(t *testing.T) {
	for _, texts := range [][]string{
		{"22:00-05:00", "05:00-22:00 noop"},
		{"SAT 22:00-05:00", "SUN 05:00-24:00 skip", "mon 00:00-00:01"},
		{"FRI-MON,WED 00:00-24:00", "Tue,thu 00:00-24:00 skip"},
		{"00:00-24:00"},
		{"MON,MON 23:59-00:00"},
	} {
		windows(t, texts...)
	}
}

// TestSchedulesThatNeverMeetTheirWindows and such that barely do.
func TestSchedulesThatNeverMeetTheirWindows(t *testing.T) {
	for _, tt := range []struct {
		cron, window string
		ok           bool
	}{
		{"30 12 * * *", "22:00-05:00", false},
		{"30 12 * * *", "12:30-12:31", true},
		{"30 12 * * *", "12:31-12:30", false},
		{"0 0 * * MON-FRI", "SAT,SUN 00:00-24:00", false},
		{"0 0 * * MON-FRI", "SUN 12:00-00:01", true},
		{"0 0 1 * *", "TUE 00:00-01:00", true},
		{"0 0 29 2 *", "WED 00:00-01:00", true},
		{"0 0 * * SAT", "SAT 00:00-24:00 skip", false},
		{"*/30 * * * *", "00:01-00:30", false},
		{"59 23 * * *", "MON 23:00-24:00 noop", true},
	} {
		_, err := scheduler.New(scheduler.Rule{Cron: tt.cron, Location: time.UTC, Windows: windows(t, tt.window)})
		if (err == nil) != tt.ok {
			t.Errorf("%s in %s: got %v", tt.cron, tt.window, err)
		}
	}
	for want, r := range map[string]scheduler.Rule{
		"timezone: windows need one":                                     {Every: time.Hour},
		"every: must be at most 8784h0m0s beside windows, not 8784h0m1s": {Every: 8784*time.Hour + time.Second, Location: time.UTC},
	} {
		r.Windows = windows(t, "22:00-05:00")
		if _, err := scheduler.New(r); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestWindowsWhenClocksAreSet lists when the window changes.
func TestWindowsWhenClocksAreSet(t *testing.T) {
	const paris, lordHowe = "Europe/Paris", "Australia/Lord_Howe"
	for _, tt := range []struct {
		name, zone, from, until string
		windows                 []string
		want                    string
	}{
		{"an ordinary night", paris, "2026-11-23T12:00", "2026-11-24T12:00", []string{"22:00-05:00"}, "22:00+01:00 run, 05:00+01:00 skip"},
		{"begins before midnight on its day", paris, "2026-11-23T12:00", "2026-11-26T12:00", []string{"TUE 22:00-05:00 noop"}, "22:00+01:00 noop, 05:00+01:00 run"},
		{"an hour shorter", paris, "2026-03-28T12:00", "2026-03-29T12:00", []string{"22:00-05:00"}, "22:00+01:00 run, 05:00+02:00 skip"},
		{"ends in the gap: at its end", paris, "2026-03-28T12:00", "2026-03-29T12:00", []string{"22:00-02:30"}, "22:00+01:00 run, 03:00+02:00 skip"},
		{"begins in the gap: at its end", paris, "2026-03-28T12:00", "2026-03-29T12:00", []string{"02:30-05:00"}, "03:00+02:00 run, 05:00+02:00 skip"},
		{"all of the gap: behind it", paris, "2026-03-28T12:00", "2026-03-29T12:00", []string{"02:00-03:00"}, "03:00+02:00 run, 04:00+02:00 skip"},
		{"within the gap: behind it, one after the other", paris, "2026-03-28T12:00", "2026-03-29T12:00", []string{"02:10-02:20", "02:40-03:00 noop"}, "03:00+02:00 run, 03:10+02:00 noop, 03:30+02:00 skip"},
		{"within the gap, and another's time behind it", paris, "2026-03-28T12:00", "2026-03-29T12:00", []string{"02:10-02:40", "03:00-03:20 noop", "03:40-03:45 skip"}, "03:00+02:00 noop, 03:20+02:00 run, 03:30+02:00 skip"},
		{"begins with the gap and goes on behind it", paris, "2026-03-28T12:00", "2026-03-29T12:00", []string{"02:00-03:01"}, "03:00+02:00 run, 03:01+02:00 skip"},
		{"an hour longer", paris, "2026-10-24T12:00", "2026-10-25T12:00", []string{"22:00-05:00"}, "22:00+02:00 run, 05:00+01:00 skip"},
		{"ends in the doubled hour: has two parts", paris, "2026-10-24T12:00", "2026-10-25T12:00", []string{"01:00-02:30"}, "01:00+02:00 run, 02:30+02:00 skip, 02:00+01:00 run, 02:30+01:00 skip"},
		{"begins in it: has two parts", paris, "2026-10-24T12:00", "2026-10-25T12:00", []string{"02:30-04:00"}, "02:30+02:00 run, 02:00+01:00 skip, 02:30+01:00 run, 04:00+01:00 skip"},
		{"two that meet in it never overlap", paris, "2026-10-24T12:00", "2026-10-25T12:00", []string{"01:00-02:30", "02:30-04:00 noop"}, "01:00+02:00 run, 02:30+02:00 noop, 02:00+01:00 run, 02:30+01:00 noop, 04:00+01:00 skip"},
		{"half an hour, forward", lordHowe, "2026-10-03T12:00", "2026-10-04T12:00", []string{"02:00-02:30"}, "02:30+11:00 run, 03:00+11:00 skip"},
		{"half an hour, back", lordHowe, "2026-04-04T12:00", "2026-04-05T12:00", []string{"01:00-02:00"}, "01:00+11:00 run, 02:00+10:30 skip"},
		{"no midnight", "America/Santiago", "2026-09-05T12:00", "2026-09-06T12:00", []string{"23:00-00:30"}, "23:00-04:00 run, 01:00-03:00 skip"},
		{"Saturday's last hour, twice", "America/Santiago", "2026-04-04T12:00", "2026-04-05T12:00", []string{"SUN 00:00-01:00"}, "00:00-04:00 run, 01:00-04:00 skip"},
		{"a day that never was, and its window", "Pacific/Apia", "2011-12-29T12:00", "2011-12-31T12:00", []string{"FRI 02:00-04:00"}, "00:00+14:00 run, 02:00+14:00 skip"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			loc := zone(t, tt.zone)
			s := spec(t, scheduler.Rule{Every: time.Hour, Location: loc, Windows: windows(t, tt.windows...)})
			var got []string
			at, end := local(t, tt.from, loc), local(t, tt.until, loc)
			for last := s.Window(at).Mode; at.Before(end); at = at.Add(time.Minute) {
				if now := s.Window(at).Mode; now != last {
					last = now
					got = append(got, at.In(loc).Format("15:04Z07:00 ")+string(now))
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func local(t testing.TB, text string, loc *time.Location) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02T15:04", text, loc)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestUpcomingInWindows shows due times and their reasons.
func TestUpcomingInWindows(t *testing.T) {
	paris := zone(t, "Europe/Paris")
	share := splay.Share{Fraction: 0.75, Source: splay.FromHash}
	for _, tt := range []struct {
		name string
		rule scheduler.Rule
		want []string
	}{
		{
			"a day's runs within two hours over midnight",
			scheduler.Rule{Every: 24 * time.Hour, Windows: windows(t, "23:00-01:00"), Location: time.UTC, Share: share},
			[]string{
				"2026-11-23T23:30:00Z every 24h0m0s + 1h30m0s of 2h0m0s (hash), in the run window 23:00-01:00",
				"2026-11-24T23:30:00Z every 24h0m0s + 1h30m0s of 2h0m0s (hash), in the run window 23:00-01:00",
			},
		},
		{
			"an interval that is cut",
			scheduler.Rule{Every: time.Hour, Windows: windows(t, "MON 22:00-05:20"), Location: paris, Share: share},
			[]string{
				"2026-11-23T21:45:00Z every 1h0m0s + 45m0s of 1h0m0s (hash), in the run window MON 22:00-05:20",
			},
		},
		{
			"noop by day",
			scheduler.Rule{Every: 12 * time.Hour, Windows: windows(t, "08:00-18:00 noop"), Location: paris, Mode: splay.None},
			[]string{
				"2026-11-23T12:00:00Z every 12h0m0s, in the noop window 08:00-18:00: noop",
				"2026-11-24T00:00:00Z every 12h0m0s",
			},
		},
		{
			"cron, cut by a window's end and left out behind it",
			scheduler.Rule{Cron: "*/10 * * * *", Windows: windows(t, "22:00-23:12"), Location: paris, Share: share},
			[]string{
				"2026-11-23T21:03:45Z cron 22:00 Europe/Paris + 3m45s of 5m0s (hash), in the run window 22:00-23:12",
				"2026-11-23T21:13:45Z cron 22:10 Europe/Paris + 3m45s of 5m0s (hash), in the run window 22:00-23:12",
				"2026-11-23T21:23:45Z cron 22:20 Europe/Paris + 3m45s of 5m0s (hash), in the run window 22:00-23:12",
				"2026-11-23T21:33:45Z cron 22:30 Europe/Paris + 3m45s of 5m0s (hash), in the run window 22:00-23:12",
				"2026-11-23T21:43:45Z cron 22:40 Europe/Paris + 3m45s of 5m0s (hash), in the run window 22:00-23:12",
				"2026-11-23T21:53:45Z cron 22:50 Europe/Paris + 3m45s of 5m0s (hash), in the run window 22:00-23:12",
				"2026-11-23T22:03:45Z cron 23:00 Europe/Paris + 3m45s of 5m0s (hash), in the run window 22:00-23:12",
				"2026-11-23T22:11:30Z cron 23:10 Europe/Paris + 1m30s of 2m0s (hash), in the run window 22:00-23:12",
				"2026-11-24T21:03:45Z cron 22:00 Europe/Paris + 3m45s of 5m0s (hash), in the run window 22:00-23:12",
			},
		},
		{
			"a black-out",
			scheduler.Rule{Cron: "0 * * * *", Windows: windows(t, "06:00-22:00 skip"), Location: paris, Mode: splay.None},
			[]string{"2026-11-23T04:00:00Z cron 05:00 Europe/Paris", "2026-11-23T21:00:00Z cron 22:00 Europe/Paris"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from := time.Date(2026, 11, 23, 3, 30, 0, 0, time.UTC) // a Monday, 04:30 in Paris
			var got []string
			for _, slot := range spec(t, tt.rule).Upcoming(from, len(tt.want)) {
				line := slot.Due.Format(time.RFC3339) + " " + slot.Why
				if spec(t, tt.rule).Window(slot.Due).Mode == scheduler.WindowNoop {
					line += ": noop"
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestWindowSays(t *testing.T) {
	paris := zone(t, "Europe/Paris")
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, paris)
	for _, tt := range []struct {
		windows []string
		want    scheduler.Window
	}{
		{nil, scheduler.Window{}},
		{[]string{"22:00-05:00"}, scheduler.Window{Mode: scheduler.WindowSkip, Why: "outside the windows; the next one opens 2026-11-23T22:00:00+01:00"}},
		{[]string{"SUN 22:00-05:00", "TUE 01:00-02:00 noop"}, scheduler.Window{Mode: scheduler.WindowSkip, Why: "outside the windows; the next one opens 2026-11-24T01:00:00+01:00"}},
		{[]string{"MON-FRI 08:00-18:00 noop"}, scheduler.Window{Mode: scheduler.WindowNoop, Why: "in the noop window MON-FRI 08:00-18:00"}},
		{[]string{"MON-FRI 08:00-18:00"}, scheduler.Window{Mode: scheduler.WindowRun, Why: "in the run window MON-FRI 08:00-18:00"}},
		{[]string{"08:00-18:00 skip", "18:00-20:00 skip"}, scheduler.Window{Mode: scheduler.WindowSkip, Why: "in the skip window 08:00-18:00; runs start again from 2026-11-23T20:00:00+01:00"}},
		{[]string{"22:00-05:00 noop"}, scheduler.Window{Mode: scheduler.WindowRun, Why: "outside the windows, where runs start as usual"}},
	} {
		s := spec(t, scheduler.Rule{Every: time.Hour, Location: paris, Windows: windows(t, tt.windows...)})
		if got := s.Window(at); got != tt.want {
			t.Errorf("%q: got  %+v\nwant %+v", tt.windows, got, tt.want)
		}
	}
}

// A window that holds all the time changes nothing.
func TestOpenAlwaysIsAsWithout(t *testing.T) {
	for _, r := range []scheduler.Rule{
		{Every: 30 * time.Minute},
		{Every: 1234567891234},
		{Every: 24 * time.Hour, Window: time.Hour},
		{Cron: "*/20 6-20 * * MON-FRI"},
		{Cron: "30 2 * * *"},
		{Cron: "@hourly", Window: time.Hour},
	} {
		for _, list := range [][]string{{"00:00-24:00"}, {"22:00-05:00", "05:00-22:00 noop"}, {"SAT 22:00-05:00 noop"}} {
			r.Location, r.Share, r.Windows = zone(t, "Europe/Paris"), splay.Share{Fraction: 0.987654321}, nil
			without := spec(t, r)
			r.Windows = windows(t, list...)
			with := spec(t, r)
			at := time.Date(2026, 3, 20, 0, 0, 0, 1, time.UTC)
			for range 500 {
				want := without.Next(at)
				if got := with.Next(at); !got.Equal(want) {
					t.Fatalf("%+v in %q: after %v got %v, want %v", r, list, at, got, want)
				}
				at = want
			}
		}
	}
}

// TestYearsLaterInWindows is about what work a long absence is.
func TestYearsLaterInWindows(t *testing.T) {
	for _, r := range []scheduler.Rule{
		{Every: time.Second}, {Every: 24 * time.Hour}, {Every: 8784 * time.Hour}, {Cron: "* * * * *"}, {Cron: "0 23 29 2 *"},
	} {
		r.Location, r.Windows, r.CatchUp = zone(t, "Europe/Paris"), windows(t, "MON-FRI 22:00-05:00", "SUN 01:00-02:00 noop"), time.Minute
		start := time.Now()
		s := spec(t, r)
		l := s.Observe(scheduler.Ledger{Through: clock("04:40:00")}, clock("04:40:00").AddDate(100, 0, 0))
		s.Plan(l)
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%+v: took %v", r, d)
		} else {
			t.Logf("every %v, cron %q: %d missed, %v", r.Every, r.Cron, l.Missed, d)
		}
	}
}

// A run that comes only where a clock is set, and then never in its window, must not
// hang the service. Each 29th of March that is a Sunday loses 02:30.
func TestNeverInSight(t *testing.T) {
	s := spec(t, scheduler.Rule{
		Cron: "30 2 29 3 *", Location: zone(t, "Europe/Paris"), Windows: windows(t, "SUN 01:30-03:00"), Mode: splay.None,
	})
	if due := s.Next(clock("04:00:00")); due.Year() < 2076 {
		t.Errorf("got %v", due)
	}
}
