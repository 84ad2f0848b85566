package scheduler

import (
	"fmt"
	"time"
)

// placed are windows on the clocks of a place.
//
// A time is in the window that a clock on the wall shows then. So windows that do not
// overlap in a week never do. When the clocks are set forward, a window of which the
// gap leaves out a part is the rest. One that it leaves out whole comes right behind
// the gap instead, as far as that is no other's time: the only window of a night must
// not be lost. When they are set back, a time that is shown twice is in its window
// twice, and a window that ends or begins meanwhile has two parts.
type placed struct {
	*Windows
	loc *time.Location
}

// at returns the window that a time is in, and until when that stays so.
func (p placed) at(t time.Time) (owner int16, until time.Time) {
	span := spanAt(t, p.loc)
	owner, until = p.shown(span, t)
	if !span.end.IsZero() {
		until = earliest(until, span.end)
	}
	if span.start.IsZero() || t.Sub(span.start) > longestGap {
		return owner, until
	}
	before := spanAt(justBefore(span.start), p.loc)
	left, end := p.leftOut(before.shows(span.start), span.shows(span.start), t.Sub(span.start))
	if left == 0 {
		return owner, until
	}
	if owner == 0 {
		owner = left
	}
	return owner, earliest(until, t.Add(end))
}

// longestGap is that of the places which left a day out.
const longestGap = 24 * time.Hour

// shown looks at a clock that is not set.
func (p placed) shown(s span, t time.Time) (owner int16, until time.Time) {
	shown := s.shows(t)
	return p.owner[minuteOf(shown)], s.when(p.edge(shown))
}

// edge is the first time that such a clock shows of another window.
func (p placed) edge(shown time.Time) time.Time {
	return shown.Truncate(time.Minute).Add(time.Duration(p.lasts[minuteOf(shown)]) * time.Minute)
}

// leftOut returns the window that is so far behind a gap because the gap left it out
// whole, and for how much longer it, or the lack of one, lasts. Several of them come one
// after the other.
func (p placed) leftOut(from, to time.Time, behind time.Duration) (owner int16, left time.Duration) {
	for shown := from; shown.Before(to); shown = p.edge(shown) {
		owner, end := p.owner[minuteOf(shown)], p.edge(shown)
		began := shown.After(from) || p.owner[minuteOf(justBefore(from))] != owner
		if owner == 0 || !began || end.After(to) {
			continue
		}
		length := end.Sub(shown)
		if behind < length {
			return owner, length - behind
		}
		behind -= length
	}
	return 0, 0
}

// part is a time in which runs may start, from its beginning to just before its end.
type part struct{ from, to time.Time }

func (p part) length() time.Duration { return p.to.Sub(p.from) }

// open returns the parts of a time in which runs may start.
func (p placed) open(from, to time.Time) []part {
	var parts []part
	for t := from; t.Before(to); {
		owner, until := p.at(t)
		until = earliest(until, to)
		switch last := len(parts) - 1; {
		case !p.isOpen(owner):
		case last >= 0 && parts[last].to.Equal(t):
			parts[last].to = until
		default:
			parts = append(parts, part{t, until})
		}
		t = until
	}
	return parts
}

// opens returns the first time, from t on, at which runs may start.
func (p placed) opens(t time.Time) time.Time {
	for {
		owner, until := p.at(t)
		if p.isOpen(owner) {
			return t
		}
		t = until
	}
}

// window is what the windows say of a time.
func (p placed) window(t time.Time) Window {
	owner, _ := p.at(t)
	w := Window{Mode: p.mode(owner)}
	if owner != 0 {
		w.Why = fmt.Sprintf("in the %s window %s", w.Mode, p.rules[owner-1])
	}
	opens := func() string { return p.opens(t).In(p.loc).Format(time.RFC3339) }
	switch {
	case w.Mode == WindowSkip && owner == 0:
		w.Why = "outside the windows; the next one opens " + opens()
	case w.Mode == WindowSkip:
		w.Why += "; runs start again from " + opens()
	case owner == 0:
		w.Why = "outside the windows, where runs start as usual"
	}
	return w
}
