package scheduler

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WindowRule is a window as a person writes it.
type WindowRule struct {
	Days string // on which it begins, such as MON-FRI or SAT,SUN; "" is every day
	From string // such as 22:00, on the clocks of the schedule's place
	To   string // such as 05:00; when that is before From, of the next day
	Mode WindowMode
}

func (r WindowRule) String() string { return strings.TrimSpace(r.Days + " " + r.From + "-" + r.To) }

const (
	day  = 24 * 60 // in minutes, as all that is reckoned on the week of a clock
	week = 7 * day
)

// Windows are the windows of a schedule, laid out on the week of a clock on the wall.
type Windows struct {
	rules []WindowRule
	// owner is the window of each minute, counted from 1; 0 is none.
	owner [week]int16
	// lasts is for how many minutes the owner stays the same.
	lasts [week]int16
	// only is set when runs start in windows only: there is one of mode run.
	only bool
}

// NewWindows checks a list of windows; an empty one gives nil. Its errors are *Error.
func NewWindows(rules []WindowRule) (*Windows, error) {
	if len(rules) == 0 {
		return nil, nil
	}
	w := &Windows{rules: slices.Clone(rules)}
	for i, r := range rules {
		if err := w.lay(i, r); err != nil {
			return nil, err
		}
		w.only = w.only || r.Mode == WindowRun
	}
	w.measure()
	if !slices.ContainsFunc(w.owner[:], w.isOpen) {
		return nil, &Error{"windows", "no run could ever start: the windows of mode skip fill the whole week; leave some time free"}
	}
	return w, nil
}

// lay puts a window on the minutes that it has.
func (w *Windows) lay(i int, r WindowRule) error {
	key := fmt.Sprintf("windows[%d]", i)
	days, err := parseDays(r.Days)
	if err != nil {
		return &Error{key + ".days", err.Error()}
	}
	from, err := parseFrom(r.From)
	if err != nil {
		return &Error{key + ".from", err.Error()}
	}
	to, err := parseTo(r.To)
	switch {
	case err != nil:
		return &Error{key + ".to", err.Error()}
	case from == to%day && to != day:
		return &Error{key, fmt.Sprintf(`begins and ends at %s: for whole days write from: "00:00", to: "24:00"`, r.From)}
	case !slices.Contains(WindowModes(), r.Mode):
		return &Error{key + ".mode", fmt.Sprintf("must be run, noop or skip, not %q", r.Mode)}
	case to < from:
		to += day
	}
	for d, has := range days {
		for m := d*day + from; has && m < d*day+to; m++ {
			if other := w.owner[m%week]; other != 0 {
				return &Error{key, w.overlap(r, int(other)-1, m%week)}
			}
			w.owner[m%week] = int16(i) + 1
		}
	}
	return nil
}

func (w *Windows) overlap(r WindowRule, other, minute int) string {
	return fmt.Sprintf("%s overlaps windows[%d], %s, on %s at %02d:%02d: every time must be in one window at most",
		r, other, w.rules[other], names[minute/day], minute%day/60, minute%60)
}

func (w *Windows) measure() {
	for m := 2*week - 1; m >= 0; m-- { // twice, because the week goes round
		this, next := m%week, (m+1)%week
		if w.owner[this] != w.owner[next] {
			w.lasts[this] = 1
		} else {
			w.lasts[this] = min(w.lasts[next]+1, week)
		}
	}
}

// isOpen reports whether runs may start in a window, or in none.
func (w *Windows) isOpen(owner int16) bool { return w.mode(owner) != WindowSkip }

func (w *Windows) mode(owner int16) WindowMode {
	switch {
	case owner != 0:
		return w.rules[owner-1].Mode
	case w.only:
		return WindowSkip
	}
	return WindowRun
}

// same reports whether two lists of windows, nil or not, are the same.
func (w *Windows) same(other *Windows) bool {
	if w == nil || other == nil {
		return w == other
	}
	return slices.Equal(w.rules, other.rules)
}

// WindowModes returns the modes that there are.
func WindowModes() []WindowMode { return []WindowMode{WindowRun, WindowNoop, WindowSkip} }

// CheckDays says what is wrong with the days of a window, and what would be right.
func CheckDays(text string) error { _, err := parseDays(text); return err }

// CheckFrom does so with the time at which a window begins.
func CheckFrom(text string) error { _, err := parseFrom(text); return err }

// CheckTo does so with the time at which a window ends.
func CheckTo(text string) error { _, err := parseTo(text); return err }

var names = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}

// parseDays reads names, ranges of them, which may go over the week's end, and lists.
func parseDays(text string) (days [7]bool, err error) {
	if text == "" {
		return [7]bool{true, true, true, true, true, true, true}, nil
	}
	for entry := range strings.SplitSeq(text, ",") {
		first, last, ranged := strings.Cut(strings.ToUpper(strings.TrimSpace(entry)), "-")
		if !ranged {
			last = first
		}
		from, to := slices.Index(names, first), slices.Index(names, last)
		if from < 0 || to < 0 {
			return days, fmt.Errorf(`must be days such as MON-FRI or "SAT,SUN", of SUN, MON, TUE, WED, THU, FRI and SAT, not %.60q`, text)
		}
		for d := from; d != to; d = (d + 1) % 7 {
			days[d] = true
		}
		days[to] = true
	}
	return days, nil
}

// parseFrom returns a time of day in minutes.
func parseFrom(text string) (int, error) {
	minutes, err := parseTo(text)
	if err == nil && minutes == day {
		err = errors.New(`must be "00:00" of the day that it belongs to, not "24:00"`)
	}
	return minutes, err
}

// parseTo takes 24:00 too, the end of the day.
func parseTo(text string) (int, error) {
	if text == "24:00" {
		return day, nil
	}
	m := timeOfDay.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf(`must be a time of day such as "22:00", with two digits each, not %.60q`, text)
	}
	hours, _ := strconv.Atoi(m[1])
	minutes, _ := strconv.Atoi(m[2])
	return hours*60 + minutes, nil
}

var timeOfDay = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])$`)

// minuteOf is the minute of the week that a clock shows.
func minuteOf(shown time.Time) int {
	return int(shown.Weekday())*day + shown.Hour()*60 + shown.Minute()
}
