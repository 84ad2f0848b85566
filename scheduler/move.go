package scheduler

import (
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// onlyMoved reports whether nothing but the node's place in time is another: it was given
// a slot, say, or has learnt its certname.
func (s *Spec) onlyMoved(old *Spec) bool {
	if s.window == 0 || old.window == 0 {
		return false
	}
	there := *old
	there.rule.Share, there.rule.Mode = s.rule.Share, s.rule.Mode
	return s.same(&there)
}

// move makes s take over from old where the node's place alone is another. From the last
// run, the next one is half an interval away at least, and one and a half at most: a slot
// of s that is nearer is left out, and counts as none that was missed. Where the slot to
// come next has passed already, the node runs once more where it would have run without
// having moved, so that a fleet which moves at once does not start at once.
//
// Beside cron the interval is the shortest one, and beside windows it is counted over
// closed time: the next run is then later by as much as the schedule itself pauses.
//
// A node that ran never, or that missed slots, is not moved with such care: it is owed a
// run as ever.
func (s *Spec) move(old *Spec, l Ledger, now time.Time) Ledger {
	last, due := l.lastRun(), old.Due(l)
	l.Through = earliest(l.Through, last) // what a catch-up run covered were slots of old
	l.Moved = s.notTooNear(last)
	switch {
	case !due.After(now): // its run is about to start
		l.Moved = due
	case l.Moved.After(now):
	case s.plain():
		l.Moved = latest(last.Add(s.interval), now)
	default:
		l.Moved = due
	}
	return l
}

// plain reports whether all intervals are the same, and all of their time is open.
func (s *Spec) plain() bool { return s.rule.Cron == "" && s.windows == nil }

// notTooNear is the first slot that is half an interval or more after a time.
func (s *Spec) notTooNear(t time.Time) time.Time { return s.Next(justBefore(t.Add(s.interval / 2))) }

// lastRun is when the node was to run last. It may be ahead of the clock, when that was
// set back.
func (l Ledger) lastRun() time.Time {
	if l.Ran.IsZero() {
		return l.Through // of a version that did not note it
	}
	return l.Ran
}

// Due is the next slot by a ledger, or the run that takes its place. No more than one slot
// is ever left out: the schedule may have become another one while no service lived.
func (s *Spec) Due(l Ledger) time.Time {
	next := s.Next(l.Through)
	if l.Moved.IsZero() {
		return next
	}
	return earliest(l.Moved, s.Next(next))
}

// settles is up to when a run at Due settles slots. Behind one that is no slot of s, a
// slot that comes too soon is left out.
func (s *Spec) settles(l Ledger, due time.Time) time.Time {
	if l.Moved.IsZero() || !s.plain() {
		return due
	}
	return latest(due, s.notTooNear(due).Add(-s.interval))
}

// missed counts the slots up to a time that are not settled.
func (s *Spec) missed(l Ledger, until time.Time) int {
	due := s.Due(l)
	if due.After(until) {
		return 0
	}
	return min(1+s.count(s.settles(l, due), until), maxCount)
}

// planDue is the run at Due. One that is no slot of s makes up for none, but comes as a
// catch-up run does.
func (s *Spec) planDue(l Ledger, due time.Time) Plan {
	p := Plan{At: due, Trigger: api.Schedule, Missed: l.Missed, Through: s.settles(l, due), Why: s.why(due), first: l.First}
	if !l.Moved.IsZero() && !s.Next(justBefore(due)).Equal(due) {
		p.Trigger, p.Why = api.CatchUp, "the last before the node's new place"
	}
	return p
}
