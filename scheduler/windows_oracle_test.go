package scheduler_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// diary is what one notes who looks at the clock each minute, with the windows on a
// sheet of paper: for each minute of real time the window, -1 for none.
type diary struct {
	begin  time.Time
	owners []int
	rules  []paperWindow
}

// paperWindow is a window in another form than the program's.
type paperWindow struct {
	scheduler.WindowRule
	weekdays     map[int]bool
	from, length int // minutes
}

func (w paperWindow) has(m shown) bool {
	since := (m.hour*60 + m.minute - w.from + 1440) % 1440
	weekday := m.weekday
	if m.hour*60+m.minute < w.from {
		weekday = (weekday + 6) % 7 // it began yesterday
	}
	return since < w.length && w.weekdays[weekday]
}

func keepDiary(rules []paperWindow, loc *time.Location, begin time.Time, days int) *diary {
	d := &diary{begin: begin, rules: rules}
	var behind []int // what the last gap left out whole
	last := look(begin.Add(-time.Minute), loc)
	for at := begin; len(d.owners) < days*1440; at = at.Add(time.Minute) {
		m := look(at, loc)
		if m.label > last.label+1 {
			behind = d.leftOut(last.label, m.label)
		}
		owner := d.shown(m)
		if len(behind) > 0 {
			if owner < 0 {
				owner = behind[0]
			}
			behind = behind[1:]
		}
		d.owners, last = append(d.owners, owner), m
	}
	return d
}

func (d *diary) shown(m shown) int {
	return slices.IndexFunc(d.rules, func(w paperWindow) bool { return w.has(m) })
}

// leftOut looks at each minute that the clock did not show.
func (d *diary) leftOut(before, behind int64) (list []int) {
	owner := func(label int64) int { return d.shown(labelled(label)) }
	for first := before + 1; first < behind; {
		end := first
		for end < behind && owner(end) == owner(first) {
			end++
		}
		begins := first > before+1 || owner(before) != owner(first)
		ends := end < behind || owner(behind) != owner(first)
		for ; first < end; first++ {
			if begins && ends && owner(first) >= 0 {
				list = append(list, owner(first))
			}
		}
	}
	return list
}

func (d *diary) mode(at time.Time) scheduler.WindowMode {
	owner := d.owners[at.Sub(d.begin)/time.Minute]
	if owner >= 0 {
		return d.rules[owner].Mode
	}
	if slices.ContainsFunc(d.rules, func(w paperWindow) bool { return w.Mode == scheduler.WindowRun }) {
		return scheduler.WindowSkip
	}
	return scheduler.WindowRun
}

func (d *diary) isOpen(at time.Time) bool { return d.mode(at) != scheduler.WindowSkip }

func (d *diary) end() time.Time { return d.begin.Add(time.Duration(len(d.owners)) * time.Minute) }

// pieces are the open minutes of a time, those at its ends cut.
func (d *diary) pieces(from, to time.Time) (list []time.Time, total time.Duration, lengths []time.Duration) {
	for at := from; at.Before(to); {
		next := at.Truncate(time.Minute).Add(time.Minute)
		if next.After(to) {
			next = to
		}
		if d.isOpen(at) {
			list, lengths = append(list, at), append(lengths, next.Sub(at))
			total += next.Sub(at)
		}
		at = next
	}
	return list, total, lengths
}

// everyDue are the slots of all intervals that the diary has.
func (d *diary) everyDue(r scheduler.Rule, window time.Duration) (due []time.Time) {
	first := d.begin.UnixNano()/int64(r.Every) + 1
	for k := first; (k+1)*int64(r.Every) <= d.end().UnixNano(); k++ {
		from := time.Unix(0, k*int64(r.Every))
		pieces, total, lengths := d.pieces(from, from.Add(r.Every))
		rest := splay.Offset(r.Share.Fraction, min(window, total))
		for i, at := range pieces {
			if rest < lengths[i] {
				due = append(due, at.Add(rest))
				break
			}
			rest -= lengths[i]
		}
	}
	return due
}

// cronDue are those of the times that an expression has without windows.
func (d *diary) cronDue(t testing.TB, r scheduler.Rule, window time.Duration) (due []time.Time) {
	bases := unsplayed(t, r.Cron, r.Location.String())
	last := d.end().Add(-window - time.Minute)
	for at := bases.Next(d.begin); at.Before(last); at = bases.Next(at) {
		if !d.isOpen(at) {
			continue
		}
		rest := time.Duration(0)
		for rest < window && d.isOpen(at.Add(rest)) {
			rest += time.Minute
		}
		due = append(due, at.Add(splay.Offset(r.Share.Fraction, min(window, rest))))
	}
	return due
}

func drawPaper(t *rapid.T) []paperWindow {
	days := map[string]string{"": "0123456", "MON-FRI": "12345", "SAT,SUN": "60", "FRI-MON": "5601", "wed": "3", "SUN": "0", "TUE, THU-SAT": "2456"}
	minute := rapid.OneOf(rapid.SampledFrom([]int{0, 60, 90, 120, 125, 135, 150, 165, 180, 210, 1380, 1439}), rapid.IntRange(0, 1439))
	cuts := rapid.SliceOfNDistinct(minute, 2, 6, rapid.ID[int]).Draw(t, "cuts")
	slices.Sort(cuts)
	var list []paperWindow
	for i, from := range cuts {
		to := cuts[(i+1)%len(cuts)]
		if rapid.IntRange(0, 2).Draw(t, "gap") == 0 {
			continue
		}
		w := paperWindow{weekdays: map[int]bool{}, from: from, length: (to - from + 1440) % 1440}
		w.Days = rapid.SampledFrom([]string{"", "", "MON-FRI", "SAT,SUN", "FRI-MON", "wed", "SUN", "TUE, THU-SAT"}).Draw(t, "days")
		for _, c := range days[w.Days] {
			w.weekdays[int(c-'0')] = true
		}
		w.From, w.To = fmt.Sprintf("%02d:%02d", from/60, from%60), fmt.Sprintf("%02d:%02d", to/60, to%60)
		w.Mode = rapid.SampledFrom(scheduler.WindowModes()).Draw(t, "window mode")
		list = append(list, w)
	}
	return list
}

// drawWindows leaves out lists on which no run could ever start.
func drawWindows(t *rapid.T) ([]paperWindow, *scheduler.Windows) {
	paper := drawPaper(t)
	var rules []scheduler.WindowRule
	for _, w := range paper {
		rules = append(rules, w.WindowRule)
	}
	w, err := scheduler.NewWindows(rules)
	if err != nil && !strings.Contains(err.Error(), "no run could ever start") {
		t.Fatalf("%+v: %v", rules, err)
	}
	if w == nil {
		t.SkipNow()
	}
	return paper, w
}

// drawDay is any day, or one just before the clocks are set.
func drawDay(t *rapid.T, loc *time.Location) time.Time {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 364).Draw(t, "day"))
	if loc.String() == "Pacific/Apia" {
		day = day.AddDate(-15, 0, 0) // it left out the 30th of December
	}
	if _, set := day.In(loc).ZoneBounds(); !set.IsZero() && rapid.IntRange(0, 3).Draw(t, "set") > 0 {
		day = set.UTC().Truncate(24*time.Hour).AddDate(0, 0, -2)
	}
	return day
}

func drawWindowed(t *rapid.T) (scheduler.Rule, []paperWindow) {
	r := scheduler.Rule{Share: splay.Share{Fraction: rapid.Float64Range(0, 0.999999999999).Draw(t, "fraction")}}
	r.Mode = rapid.SampledFrom([]splay.Mode{splay.Hash, splay.Hash, splay.None}).Draw(t, "mode")
	loc, err := time.LoadLocation(rapid.SampledFrom(zones()).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	r.Location = loc
	paper, w := drawWindows(t)
	r.Windows = w
	if rapid.Bool().Draw(t, "cron?") {
		r.Cron = rapid.SampledFrom([]string{"* * * * *", "*/30 * * * *", "30 2 * * *", "0 2,3 * * *", "45 1,2,3 * * *", "@daily", "*/20 6-20 * * MON-FRI", "0 */5 * * *"}).Draw(t, "cron")
		return r, paper
	}
	r.Every = rapid.SampledFrom([]time.Duration{
		time.Minute, 7 * time.Minute, 30 * time.Minute, 2713 * time.Second, time.Hour, 6 * time.Hour, 24 * time.Hour, 1234567891234, 36 * time.Hour,
	}).Draw(t, "every")
	if rapid.Bool().Draw(t, "window?") {
		r.Window = r.Every / 3
	}
	return r, paper
}

// TestWindowsAgainstOracle compares some days of any schedule with any windows with
// what one finds who looks at the clock each minute: no run in closed time, none early,
// one for each interval and base time that has open time, and ever later ones.
func TestWindowsAgainstOracle(t *testing.T) {
	slots, cases := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		r, paper := drawWindowed(rt)
		s, err := scheduler.New(r)
		if err != nil {
			rt.SkipNow() // it never comes when the windows are open
		}
		d := keepDiary(paper, r.Location, drawDay(rt, r.Location), 5)
		for at := d.begin; at.Before(d.end()); at = at.Add(time.Minute) {
			if got, want := s.Window(at).Mode, d.mode(at); got != want {
				rt.Fatalf("at %v: got %s, want %s", at.In(r.Location), got, want)
			}
		}
		window, _ := s.Offset()
		if r.Mode != splay.None {
			window = spreadOver(t, r)
		}
		var want []time.Time
		at := d.begin.Add(-1)
		if r.Cron != "" {
			want = d.cronDue(t, r, window)
		} else if want = d.everyDue(r, window); r.Every > 0 {
			at = time.Unix(0, (d.begin.UnixNano()/int64(r.Every)+1)*int64(r.Every)-1)
		}
		checkDue(rt, s, d, at, want)
		slots, cases = slots+len(want), cases+1
	})
	t.Logf("%d schedules, %d slots", cases, slots)
}

// spreadOver is what the slots of a rule are spread over when there is room.
func spreadOver(t testing.TB, r scheduler.Rule) time.Duration {
	if r.Cron == "" && r.Window == 0 {
		return r.Every
	}
	if r.Cron == "" {
		return r.Window
	}
	return min(5*time.Minute, spec(t, scheduler.Rule{Cron: r.Cron, Location: time.UTC}).Interval())
}

func checkDue(t *rapid.T, s *scheduler.Spec, d *diary, at time.Time, want []time.Time) {
	for i, due := range want {
		got := s.Next(at)
		if i == 0 && got.Before(due) && !got.After(d.begin.Add(5*time.Minute)) {
			got = s.Next(got) // of a base before the diary
		}
		if !got.Equal(due) {
			t.Fatalf("after %v: got %v, want %v", at, got, due)
		}
		if !got.After(at) || !d.isOpen(got) {
			t.Fatalf("%v is closed, or not after %v", got, at)
		}
		if between := s.Next(at.Add(got.Sub(at) / 2)); !between.Equal(got) {
			t.Fatalf("asked between %v and %v: got %v", at, got, between)
		}
		at = got
	}
}

// FuzzWindows looks for a window whose runs are not in it, or that makes Next hang.
func FuzzWindows(f *testing.F) {
	f.Add("MON-FRI", "22:00", "05:00", "SAT,SUN", "00:00", "24:00", int64(1795395999), uint16(1440), 0.5)
	f.Add("", "02:00", "03:00", "fri-mon", "01:59", "02:00", int64(1774746000), uint16(30), 0.99)
	f.Add("SUN", "23:59", "00:00", "", "", "", int64(4083955200), uint16(1), 0.0)
	lordHowe := zone(f, "Australia/Lord_Howe")
	f.Fuzz(func(t *testing.T, days, from, to, days2, from2, to2 string, unix int64, minutes uint16, fraction float64) {
		w, err := scheduler.NewWindows([]scheduler.WindowRule{
			{Days: days, From: from, To: to, Mode: scheduler.WindowRun}, {Days: days2, From: from2, To: to2, Mode: scheduler.WindowNoop},
		})
		if err != nil {
			return
		}
		s, err := scheduler.New(scheduler.Rule{
			Every: time.Duration(minutes) * time.Minute, Location: lordHowe, Windows: w, Share: splay.Share{Fraction: fraction},
		})
		if err != nil {
			return
		}
		at := time.Unix(unix%(1<<38), 0)
		for range 20 {
			due := s.Next(at)
			if !due.After(at) || s.Window(due).Mode == scheduler.WindowSkip {
				t.Fatalf("after %v comes %v, %+v", at, due, s.Window(due))
			}
			at = due
		}
	})
}
