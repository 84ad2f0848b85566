package scheduler

import (
	"fmt"
	"math"
	"time"

	"github.com/puppet-cron/puppet-cron/splay"
)

// longestEvery bounds the work of laying an interval out in open time.
const longestEvery = 366 * 24 * time.Hour

// setWindows refuses windows in which the schedule would never come.
func (s *Spec) setWindows() error {
	r := s.rule
	switch {
	case r.Windows == nil:
		return nil
	case r.Location == nil:
		return &Error{"timezone", "windows need one"}
	case r.Every > longestEvery:
		return &Error{"every", fmt.Sprintf("must be at most %v beside windows, not %v", longestEvery, r.Every)}
	}
	if c, ok := s.times.(calendar); ok && !c.expr.meets(r.Windows) {
		return &Error{"windows", fmt.Sprintf("no run could ever start: %q never comes when the windows let a run start; change one of them", r.Cron)}
	}
	s.windows = &placed{r.Windows, r.Location}
	return nil
}

// meets reports whether the expression ever comes in open time. All days that match
// are alike, but for the day of the week.
func (e expression) meets(w *Windows) bool {
	weekdays := e.weekdays()
	first := e.next(longAgo())
	for t := first; t.YearDay() == first.YearDay() && t.Year() == first.Year(); t = e.next(t) {
		for d, has := range weekdays {
			if has && w.isOpen(w.owner[d*day+minuteOf(t)%day]) {
				return true
			}
		}
	}
	return false
}

func (e expression) weekdays() (found [7]bool) {
	midnight := *e.fields
	midnight.Hour, midnight.Minute = 1, 1
	days := expression{fields: &midnight}
	end := longAgo().AddDate(28, 0, 0) // dates fall on the same days of the week again
	for t := days.next(longAgo()); t.Before(end); t = days.next(t) {
		if found[t.Weekday()] = true; found == [7]bool{true, true, true, true, true, true, true} {
			break
		}
	}
	return found
}

// spot is where a slot is, in open time.
type spot struct {
	due    time.Time
	base   time.Time     // what it is reckoned from
	offset time.Duration // of open time
	room   time.Duration // what the offset is a part of
}

// nextSpot is Next where there are windows.
func (s *Spec) nextSpot(after time.Time) spot {
	if grid, ok := s.times.(every); ok {
		return s.nextOfGrid(grid, after)
	}
	return s.nextOfCron(after)
}

// nextOfGrid finds the one slot that each interval with open time has. It leaps over
// the others, which can be many.
func (s *Spec) nextOfGrid(grid every, after time.Time) spot {
	begin := after.Add(-grid.since(after))
	for {
		end := begin.Add(time.Duration(grid))
		if sp, ok := s.spotIn(begin, s.windows.open(begin, end)); ok && sp.due.After(after) {
			return sp
		}
		opens := s.windows.opens(end)
		begin = opens.Add(-grid.since(opens))
	}
}

// spotIn is at the node's place in all of the parts together.
func (s *Spec) spotIn(base time.Time, parts []part) (spot, bool) {
	var length time.Duration
	for _, p := range parts {
		length += p.length()
	}
	room := min(s.window, length)
	offset := splay.Offset(s.rule.Share.Fraction, room)
	past := offset
	for _, p := range parts {
		if past < p.length() {
			return spot{p.from.Add(past), base, offset, room}, true
		}
		past -= p.length()
	}
	return spot{}, false
}

// outOfSight is when the search for a slot ends. New has seen that the expression
// meets open time, but in one that it meets only where the clocks are set it may not.
const outOfSight = 50 // years

// nextOfCron leaves out what is in closed time. No offset is longer than s.offset, so
// no slot is overlooked, and none leaves its part of open time, so they only grow.
func (s *Spec) nextOfCron(after time.Time) spot {
	base := s.times.next(after.Add(-s.offset))
	for end := after.AddDate(outOfSight, 0, 0); base.Before(end); {
		opens := s.windows.opens(base)
		if !opens.Equal(base) {
			base = s.times.next(justBefore(opens))
			continue
		}
		if sp := s.spotAt(base); sp.due.After(after) {
			return sp
		}
		base = s.times.next(base)
	}
	return spot{due: base, base: base}
}

// spotAt is in the open part in which its base is.
func (s *Spec) spotAt(base time.Time) spot {
	room := min(s.window, s.windows.open(base, base.Add(max(s.window, 1)))[0].length())
	offset := splay.Offset(s.rule.Share.Fraction, room)
	return spot{base.Add(offset), base, offset, room}
}

// Window is what the windows say of a time; the zero Window where there are none.
func (s *Spec) Window(t time.Time) Window {
	if s.windows == nil {
		return Window{}
	}
	return s.windows.window(t.Round(0))
}

func (s *Spec) whyInWindow(due time.Time) string {
	sp := s.nextSpot(justBefore(due))
	why := s.times.why(sp.base)
	if s.window > 0 {
		why += fmt.Sprintf(" + %v of %v (%s)", sp.offset.Round(time.Millisecond), sp.room, s.rule.Share.Source)
	}
	if owner, _ := s.windows.at(due); owner != 0 {
		why += ", " + s.Window(due).Why
	}
	return why
}

// leaveToSlot takes a catch-up run out of closed time. The next slot, which is in open
// time, reports what was missed: should a whole fleet come back meanwhile, its runs are
// spread over the windows as ever. A node that was off at that slot too may never be on
// at its slots, so it gets its run as soon as a window opens.
func (s *Spec) leaveToSlot(l Ledger) Ledger {
	if l.CatchUp.IsZero() || s.Window(l.CatchUp).Mode != WindowSkip {
		return l
	}
	if l.Tries++; l.Tries == 1 {
		l.CatchUp = time.Time{}
		return l
	}
	opens := s.windows.opens(l.CatchUp)
	room := s.windows.open(opens, opens.Add(max(s.rule.CatchUp>>l.Tries, 1)))[0].length()
	l.CatchUp = opens.Add(splay.Offset(otherPlace(s.rule.Share.Fraction), room))
	return l
}

// opens is the first time from t on at which runs may start.
func (s *Spec) opens(t time.Time) time.Time {
	if s.windows == nil {
		return t
	}
	return s.windows.opens(t)
}

// otherPlace is a place that has nothing to do with the node's own, as even: its last
// bits. Nodes that missed their slots have places in a part of the window alone, and
// would fill a part of the time only.
func otherPlace(fraction float64) float64 {
	_, rest := math.Modf(fraction * (1 << 20))
	return rest
}
