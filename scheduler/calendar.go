package scheduler

import (
	"fmt"
	"time"
)

// calendar is a cron expression on the clocks of a place.
//
// When these are set forward, the times in the gap are never shown. An expression
// with fixed hours is due then once, at the gap's end: a nightly run must not be
// lost. When they are set back, some times are shown twice, and it is due the first
// time. An expression of every hour keeps its rhythm in real time instead: it is due
// whenever a clock shows a time that matches.
type calendar struct {
	expr expression
	loc  *time.Location
}

// next walks over the spans of time in which the clocks are not set. Within one,
// what they show and what time it is differ by the same amount.
func (c calendar) next(after time.Time) time.Time {
	span := spanAt(after, c.loc)
	shown := span.shows(after)
	if !c.expr.everyHour && !span.start.IsZero() {
		// What was shown before the clocks were set back does not count again.
		shown = latest(shown, justBefore(spanAt(justBefore(span.start), c.loc).shows(span.start)))
	}
	for {
		due := latest(span.when(c.expr.next(shown)), span.start) // in a gap: at its end
		if span.end.IsZero() || due.Before(span.end) {
			return due
		}
		following := spanAt(span.end, c.loc)
		shown = justBefore(span.shows(span.end))
		if c.expr.everyHour {
			shown = justBefore(following.shows(span.end))
		}
		span = following
	}
}

func (c calendar) why(t time.Time) string {
	return fmt.Sprintf("cron %s %s", t.In(c.loc).Format("15:04"), c.loc)
}

// span is a time in which the clocks of a place are not set. A zero start or end is
// none.
type span struct {
	start, end time.Time
	ahead      time.Duration // of UTC
}

func spanAt(t time.Time, loc *time.Location) span {
	t = t.In(loc)
	_, seconds := t.Zone()
	start, end := t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		// Beyond 2037 Go ends each span with its year, and gives leap years 365 days.
		end = end.Add(24 * time.Hour)
	}
	return span{start, end, time.Duration(seconds) * time.Second}
}

// shows is what a clock on the wall shows at t, as if it were UTC.
func (s span) shows(t time.Time) time.Time { return t.Add(s.ahead).UTC() }

// when is the time at which a clock on the wall shows that.
func (s span) when(shown time.Time) time.Time { return shown.Add(-s.ahead) }

func justBefore(t time.Time) time.Time { return t.Add(-1) }

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
