package scheduler

import (
	"fmt"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// Ledger accounts for every slot: each is one run, or it is counted in the
// missed slots of the next run. Its owner keeps it on disk and goes round this way:
//
//	l = spec.Observe(l, now)    what the clock shows; write l when it changed
//	p := spec.Plan(l)           what comes next; wait until p.At, then
//	l = l.Take(p, id)           write l BEFORE the run is launched, then launch it
//	l = l.Settle(true)          the run exists; may be written with the next change
//
// Who dies in between leaves Taken behind. Its successor looks whether a run of that
// id exists and calls Settle with the answer, before anything else.
type Ledger struct {
	// Through is the time up to which all slots are settled. It may be ahead of the
	// clock: after a catch-up run, or when the clock was set back.
	Through time.Time `json:"through"`
	// Missed is the number of settled slots that the next run is to report.
	Missed int `json:"missed,omitempty"`
	// CatchUp is when a run comes at the latest, because slots were missed or
	// because the node never ran. Zero: there is no hurry.
	CatchUp time.Time `json:"catch_up,omitzero"`
	// Tries is how often CatchUp itself was missed, or could not be.
	Tries uint `json:"tries,omitempty"`
	// First is set until the node has run once.
	First bool `json:"first,omitempty"`
	// Again is a run that comes before the next slot. See Spec.Heed.
	Again Again `json:"again,omitzero"`
	// Retries is how many runs were tried again since one reached its server.
	Retries int `json:"retries,omitempty"`
	// Ran is when the last run was due, those that come again left out; zero: not known.
	Ran time.Time `json:"ran,omitzero"`
	// Moved takes the place of the next slot, after the node itself was given another
	// place. See Spec.Replace.
	Moved time.Time `json:"moved,omitzero"`
	// Taken is the run that was to be launched.
	Taken Taken `json:"taken,omitzero"`
}

// Taken is a plan that was taken for a run.
type Taken struct {
	ID      string      `json:"id"`
	Due     time.Time   `json:"due"`
	Trigger api.Trigger `json:"trigger"`
	Missed  int         `json:"missed,omitempty"`
	First   bool        `json:"first,omitempty"`
}

// Plan is the next run.
type Plan struct {
	At      time.Time   // when to launch it: not before
	Trigger api.Trigger // Schedule, CatchUp, Retry or FollowUp
	Missed  int         // slots that it reports
	Through time.Time   // up to where it settles slots
	Why     string

	first bool
}

const (
	// late is by how much a run may be late and still be its slot's own, if slots
	// are not closer. It is enough for a restart. In a fleet that comes back at once,
	// all whose slots are no older start at once, so it must not be much.
	late = 10 * time.Second
	// trusted, and one interval, is how far a ledger may be ahead of the clock. See
	// Observe.
	trusted = time.Hour
)

// Observe brings the ledger up to now. Slots that have passed are missed, and a
// catch-up run is planned for all of them together.
//
// When the clock was set back, slots that were settled stay so: none runs twice,
// and the node is silent until the clock has caught up. That ends at an hour and
// one interval. A ledger further ahead is of a clock that was wrong, and believing
// it could silence the node for years; it is begun anew.
func (s *Spec) Observe(l Ledger, now time.Time) Ledger {
	now = now.Round(0).UTC()
	owed := false
	switch {
	case l.Through.IsZero():
		l.Through, l.First, owed = now, true, true
	case l.Through.Sub(now) > trusted+s.interval:
		l = Ledger{Through: now, CatchUp: l.CatchUp, First: l.First, Taken: l.Taken}
	}
	onTime := now.Add(-min(late, s.interval))
	if missed := s.missed(l, onTime); missed > 0 {
		l.Missed, l.Through, owed = sum(l.Missed, missed), onTime, true
		l.Again, l.Moved = Again{}, time.Time{}
	}
	return s.leaveToSlot(s.planCatchUp(l, now, owed))
}

// planCatchUp sets CatchUp when a run is owed. One that has passed, because the node
// was off again, or that a clock or a reload has left far ahead, is set anew within
// half the time: a node that is never on for long gets its run in the end.
func (s *Spec) planCatchUp(l Ledger, now time.Time, owed bool) Ledger {
	switch {
	case s.rule.CatchUp == 0:
		l.CatchUp, l.Tries = time.Time{}, 0
		return l
	case l.CatchUp.IsZero() && !owed:
		return l
	case l.CatchUp.IsZero():
	case l.CatchUp.Before(now.Add(-late)), l.CatchUp.After(s.opens(now).Add(s.rule.CatchUp)):
		l.Tries = min(l.Tries+1, maxTries)
	default:
		return l
	}
	l.CatchUp = s.catchUp(s.Due(l), now, s.rule.CatchUp>>l.Tries)
	return l
}

// catchUp is the time of the node's own slot when that is near, else of a run of its
// own, such that a fleet that comes back at once is spread evenly over the time.
//
// Where the window is all of the interval, the nodes with a near slot are spread by
// those, and the others must be by how far theirs is: their fractions are only a
// part of all fractions, and would fill a part of the time twice.
func (s *Spec) catchUp(due, now time.Time, within time.Duration) time.Time {
	ahead := due.Sub(now)
	if ahead <= within {
		return due
	}
	place := s.rule.Share.Fraction
	switch {
	case s.windows != nil:
		place = otherPlace(place)
	case s.window == s.interval && s.rule.Cron == "":
		place = float64(ahead-within) / float64(s.interval-within)
	}
	return now.Add(time.Duration(min(place, 1) * float64(within)))
}

// Plan returns the next run by an observed ledger: the next slot, or what comes before
// it.
func (s *Spec) Plan(l Ledger) Plan {
	due := s.Due(l)
	switch {
	case !l.CatchUp.IsZero() && l.CatchUp.Before(due):
		return s.planOwed(l, due)
	case s.comesAgain(l) && l.Again.At.Before(due) && s.Window(l.Again.At).Mode != WindowSkip:
		return s.planAgain(l)
	}
	return s.planDue(l, due)
}

// planOwed makes one run of what was missed and of the slots that are due so soon
// after it that they would be no more than a repetition. It settles the time up to
// itself too, so that Replace does not make up for a slot that lay before it.
func (s *Spec) planOwed(l Ledger, due time.Time) Plan {
	p := Plan{At: l.CatchUp, Trigger: api.CatchUp, Missed: l.Missed, Through: latest(l.Through, l.CatchUp), Why: whyOwed(l), first: l.First}
	covered := p.At.Add(min(s.rule.CatchUp, s.interval))
	for ; due.Before(covered); due = s.Next(due) {
		p.Missed, p.Through = p.Missed+1, due
	}
	return p
}

// whyOwed tells what slots do not: only a reload owes a run of which none was missed.
func whyOwed(l Ledger) string {
	switch {
	case l.Missed > 0:
		return fmt.Sprintf("catch-up, %d missed", l.Missed)
	case l.First:
		return "first run"
	}
	return "catch-up, the schedule has changed"
}

// comesAgain reports whether there is a run to come again. A reload may have left the
// tries fewer than there were.
func (s *Spec) comesAgain(l Ledger) bool {
	return l.Again != (Again{}) && (l.Again.Trigger != api.Retry || l.Retries < s.rule.Retries)
}

func (s *Spec) planAgain(l Ledger) Plan {
	p := Plan{At: l.Again.At, Trigger: l.Again.Trigger, Missed: l.Missed, Through: latest(l.Through, l.Again.At), Why: "rest of the last run: puppet was upgraded"}
	if p.Trigger == api.Retry {
		p.Why = fmt.Sprintf("retry %d of %d", l.Retries+1, s.rule.Retries)
	}
	return p
}

// Take settles what a plan settles, for the run with that id.
func (l Ledger) Take(p Plan, id string) Ledger {
	taken := Ledger{
		Through: p.Through, Retries: l.Retries, Ran: p.At,
		Taken: Taken{ID: id, Due: p.At, Trigger: p.Trigger, Missed: sum(p.Missed, 0), First: p.first},
	}
	switch p.Trigger {
	case api.Retry:
		taken.Retries++
		fallthrough
	case api.FollowUp:
		taken.Ran, taken.Moved = l.Ran, l.Moved
	}
	return taken
}

// Settle closes what was taken. If the run was never launched, its slot is missed,
// and a run is owed at once.
func (l Ledger) Settle(launched bool) Ledger {
	if t := l.Taken; !launched && t != (Taken{}) {
		l.Missed, l.First = sum(l.Missed, t.Missed), t.First
		switch t.Trigger {
		case api.Retry:
			l.Retries = max(l.Retries-1, 0)
			l.Again = Again{t.Due, t.Trigger}
		case api.FollowUp:
			l.Again = Again{t.Due, t.Trigger}
		case api.Schedule:
			l.Missed = sum(l.Missed, 1)
			fallthrough
		default:
			l.CatchUp = t.Due
		}
	}
	l.Taken = Taken{}
	return l
}

// Replace makes s take over from old, after a reload or when the node was given another
// place. No slot of old is lost, and none of s that lies in the past is made up. Where the
// node would have run by now under s, a run is owed: reloads, however many, do not keep a
// node from running. Where only the place is another, see move.
func (s *Spec) Replace(old *Spec, l Ledger, now time.Time) Ledger {
	if s.same(old) {
		return l
	}
	now = now.Round(0).UTC()
	l = old.Observe(l, now)
	if s.onlyMoved(old) && !l.First && l.CatchUp.IsZero() && l.Missed == 0 {
		return s.move(old, l, now)
	}
	missed := old.missed(l, now)
	l.Moved = time.Time{}
	owed := missed > 0 || !s.Next(l.Through).After(now)
	if owed {
		l.Missed, l.Through = sum(l.Missed, missed), now
	}
	return s.leaveToSlot(s.planCatchUp(l, now, owed))
}
