package scheduler_test

import (
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// full asks for the long forms of the tests, as `make soak` does.
func full() bool { return os.Getenv("SOAK") == "full" }

// expressions are what people write, and what is hard.
func expressions() []string {
	return []string{
		"* * * * *", "*/30 * * * *", "7,37 * * * *", "*/20 6-20 * * MON-FRI", "0 * * * *",
		"0 */2 * * *", "15 */3 * * *", "30 */5 * * *", "59 23 * * *", "0 0 * * *",
		"0 2 * * *", "30 2 * * *", "*/10 2 * * *", "30 1 * * *", "45 1,2,3 * * *",
		"0 0-3 * * *", "*/15 0-4 * * SUN", "0 12 * * SUN", "0 0 * * SAT", "0 3 1 * *",
		"0 0 1,15 * *", "0 0 31 * *", "30 1 * 3,4,9,10 *", "0 0 29 2 *", "0 6 1-7 * MON",
		"5/25 4/9 * * 1-5", "@hourly", "@daily", "@weekly", "@monthly",
	}
}

func zones() []string {
	return []string{
		"UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca",
		"America/Santiago", "Africa/Cairo", "Asia/Kathmandu", "America/St_Johns",
		"Pacific/Chatham", "Pacific/Apia", "Asia/Tehran",
	}
}

// TestCronAgainstOracle compares a year of every expression in every zone with what
// one finds who looks at the clock each minute. The short form has some months
// in one zone, and the days around each setting of the clocks in all of them.
func TestCronAgainstOracle(t *testing.T) {
	for _, name := range zones() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			year := 2026
			if name == "Pacific/Apia" {
				year = 2011 // it left out the 30th of December
			}
			wall := wallClock(zone(t, name), year)
			for _, expr := range expressions() {
				checkYear(t, wall, name, expr)
			}
		})
	}
}

// shown is a minute of real time, and what the clock on the wall shows then.
type shown struct {
	at                                time.Time
	minute, hour, day, month, weekday int
	label                             int64 // grows as the clock goes
}

// wallClock looks at the clock every minute of a year, or of its interesting days.
func wallClock(loc *time.Location, year int) []shown {
	var days []shown
	begin := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	for day := begin; day.Year() == year; day = day.AddDate(0, 0, 1) {
		if !full() && !isInteresting(day.In(loc)) {
			continue
		}
		for at := day; at.Before(day.AddDate(0, 0, 1)); at = at.Add(time.Minute) {
			days = append(days, look(at, loc))
		}
	}
	return days
}

func look(at time.Time, loc *time.Location) shown {
	t := at.In(loc)
	return shown{
		at, t.Minute(), t.Hour(), t.Day(), int(t.Month()), int(t.Weekday()),
		time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC).Unix() / 60,
	}
}

// isInteresting holds for two days before and after the clocks are set, and for
// whole months in one zone.
func isInteresting(t time.Time) bool {
	_, before := t.AddDate(0, 0, -2).Zone()
	_, after := t.AddDate(0, 0, 2).Zone()
	return before != after || t.Location().String() == "Europe/Paris" && t.Month()%3 == 1
}

func checkYear(t *testing.T, wall []shown, zoneName, expr string) {
	t.Helper()
	s, f := unsplayed(t, expr, zoneName), parseFields(expr)
	for begin := 0; begin < len(wall); {
		end := begin + 1
		for end < len(wall) && wall[end].at.Sub(wall[end-1].at) == time.Minute {
			end++
		}
		stretch := wall[begin:end]
		want := f.due(stretch)
		got := s.Next(stretch[0].at)
		for _, at := range want {
			if !got.Equal(at) {
				t.Errorf("%q: got %v, want %v", expr, got, at)
				return
			}
			got = s.Next(got)
		}
		if last := stretch[len(stretch)-1].at; !got.After(last) {
			t.Errorf("%q: got %v, want none until %v", expr, got, last)
		}
		begin = end
	}
}

// fields is a cron expression, read in another way than the program does.
type fields struct {
	minute, hour, day, month, weekday map[int]bool
	anyDay, anyWeekday, everyHour     bool
}

func parseFields(expr string) fields {
	expr = strings.NewReplacer("@hourly", "0 * * * *", "@daily", "0 0 * * *", "@weekly", "0 0 * * 0", "@monthly", "0 0 1 * *",
		"SUN", "0", "MON", "1", "FRI", "5", "SAT", "6").Replace(expr)
	w := strings.Fields(expr)
	return fields{
		numbers(w[0], 0, 59), numbers(w[1], 0, 23), numbers(w[2], 1, 31), numbers(w[3], 1, 12), numbers(w[4], 0, 6),
		w[2] == "*", w[4] == "*", strings.HasPrefix(w[1], "*"),
	}
}

func numbers(list string, least, most int) map[int]bool {
	set := map[int]bool{}
	for item := range strings.SplitSeq(list, ",") {
		span, step, stepped := strings.Cut(item, "/")
		from, to, ranged := strings.Cut(span, "-")
		low, high, by := least, most, 1
		if from != "*" {
			low, _ = strconv.Atoi(from)
			if high = low; stepped {
				high = most
			}
		}
		if ranged {
			high, _ = strconv.Atoi(to)
		}
		if stepped {
			by, _ = strconv.Atoi(step)
		}
		for n := low; n <= high; n += by {
			set[n] = true
		}
	}
	return set
}

func (f fields) matches(m shown) bool {
	day := f.day[m.day] && f.weekday[m.weekday]
	if !f.anyDay && !f.anyWeekday {
		day = f.day[m.day] || f.weekday[m.weekday]
	}
	return f.minute[m.minute] && f.hour[m.hour] && f.month[m.month] && day
}

// due returns the minutes of a stretch, but for its first, at which a run is due.
func (f fields) due(stretch []shown) []time.Time {
	var due []time.Time
	highest := stretch[0].label
	for _, m := range stretch[1:] {
		if f.everyHour {
			if f.matches(m) {
				due = append(due, m.at)
			}
			continue
		}
		hit := false
		for ; highest < m.label; highest++ {
			hit = hit || f.matches(labelled(highest+1))
		}
		if hit {
			due = append(due, m.at)
		}
	}
	return due
}

// labelled is what a clock shows whose label is that.
func labelled(label int64) shown {
	t := time.Unix(label*60, 0).UTC()
	return shown{t, t.Minute(), t.Hour(), t.Day(), int(t.Month()), int(t.Weekday()), label}
}

// TestEveryAgainstOracle reckons with numbers that cannot overflow.
func TestEveryAgainstOracle(t *testing.T) {
	for _, every := range []time.Duration{time.Second, 7*time.Second + 1, 30 * time.Minute, 24 * time.Hour, 1000 * time.Hour, 1<<63 - 1} {
		for _, year := range []int{1970, 2026, 2262, 9990} {
			s := spec(t, scheduler.Rule{Every: every, Share: splay.Share{Fraction: 0.123456789}})
			offset, _ := s.Offset()
			at := time.Date(year, 1, 1, 0, 0, 0, 1, time.UTC)
			slots := 500
			if every == 30*time.Minute {
				slots = 17_520 // a year
			}
			for range slots {
				due := s.Next(at)
				if wait := due.Sub(at); wait <= 0 || wait > every || remainder(due, every).Cmp(big.NewInt(int64(offset))) != 0 {
					t.Fatalf("every %v: after %v comes %v", every, at, due)
				}
				if at = due; every > 1000*time.Hour {
					break
				}
			}
		}
	}
}

func remainder(t time.Time, every time.Duration) *big.Int {
	n := new(big.Int).Mul(big.NewInt(t.Unix()), big.NewInt(1e9))
	n.Add(n, big.NewInt(int64(t.Nanosecond())))
	return n.Mod(n, big.NewInt(int64(every)))
}
