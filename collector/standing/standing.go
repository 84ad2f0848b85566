// Package standing says how a node stands: whether it is heard of when it should be, and
// whether its runs go well. It is pure: what is known of the node goes in, and the time, and
// out comes what is so, and until when.
//
// All times are of the collector's clock. What a node says of its own clock counts as
// lengths of time only, so a clock that is wrong makes nobody late.
package standing

import (
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// Presence says whether a node is heard of when it should be.
type Presence string

// The presences.
const (
	// Unknown: the node has told of no schedule, so nobody can say when it should be heard of.
	Unknown Presence = "unknown"
	Present Presence = "present"
	// Late: a run was due, and neither its start nor its end was heard of.
	Late Presence = "late"
	// Silent: so many runs in a row were, as Rules.Missed says.
	Silent Presence = "silent"
)

// Presences lists all of them.
func Presences() []Presence { return []Presence{Present, Late, Silent, Unknown} }

// Rules are the bounds that an admin may set.
type Rules struct {
	Missed int           // runs that a silent node has missed
	Grace  time.Duration // for what is due, beside what the last run took
	Retire time.Duration // that a node stays silent before it is retired
	// After is how many runs in a row may have ended badly at most before people are told.
	FailingAfter, StaleAfter, ErroredAfter int
	CertificateWithin                      time.Duration // that a certificate ends
}

// DefaultRules are those of a collector without a configuration.
func DefaultRules() Rules {
	const day = 24 * time.Hour
	return Rules{
		Missed: 2, Grace: 5 * time.Minute, Retire: 30 * day,
		FailingAfter: 3, StaleAfter: 1, ErroredAfter: 1,
		CertificateWithin: 14 * day,
	}
}

// ReportWithin is how long nodes take at most to report once their collector is back: they try again at
// most five minutes apart, and a fleet takes its time.
const ReportWithin = 10 * time.Minute

// Facts are what is known of a node that is not retired. Zero times are those that are not known.
type Facts struct {
	// Presence and Troubles are those of before.
	Presence Presence
	Troubles Troubles
	// Heard is when those who report would have been heard of, after nobody had listened for a while:
	// who was not late, silent or stuck before is not until then, and nobody is retired.
	Heard time.Time

	LastSeen time.Time
	// Expected is when the node's next run should have ended, if it takes as long as the last
	// one did. Interval is from there to the one after it.
	Expected time.Time
	Interval time.Duration
	// Begun is when the start of a run was received whose end was not; Timeout is the node's own.
	Begun   time.Time
	Timeout time.Duration
	// Outcome is that of the last run that was not skipped. Streak is how many in a row, up to
	// it, were not healthy.
	Outcome api.Outcome
	Streak  int

	CertificateEnds time.Time
}

// Standing is how a node stands.
type Standing struct {
	Presence Presence
	Troubles Troubles
	// Retire says that the node has been silent for so long that it is to be retired.
	Retire bool
	// Until is when time alone makes it another standing; zero: never.
	Until time.Time
}

// Judge says how a node stands now.
func (r Rules) Judge(f Facts, now time.Time) Standing {
	s := Standing{Presence: Unknown, Troubles: r.health(f)}
	at := moments{now: now}
	wasSilent := f.Presence == Silent
	stuck := !f.Begun.IsZero() && f.Timeout > 0 && at.passed(f.heard(f.Begun.Add(f.Timeout+r.Grace), f.Troubles.Has(Stuck)))
	if stuck {
		s.Troubles.Add(Stuck)
	}
	silence := f.LastSeen // since when nothing is heard of it that should be
	if !f.Expected.IsZero() {
		late := f.Expected.Add(r.Grace)
		silent := late.Add(time.Duration(max(r.Missed, 1)-1) * f.Interval)
		if silent.After(silence) {
			silence = silent
		}
		s.Presence = Present
		if running := !f.Begun.IsZero() && f.Timeout > 0 && !stuck; !running {
			s.Presence = at.presence(f.heard(late, wasSilent || f.Presence == Late), f.heard(silent, wasSilent))
		}
		// Of a run that never ended people are told once: the node that died in it is stuck, and
		// not silent as well.
		if s.Presence == Silent && !stuck {
			s.Troubles.Add(Gone)
		}
	}
	s.Retire = at.passed(f.heard(silence.Add(r.Retire), false))
	if !f.CertificateEnds.IsZero() && at.passed(f.CertificateEnds.Add(-r.CertificateWithin)) {
		s.Troubles.Add(Ending)
	}
	s.Until = at.next
	return s
}

// heard is a deadline, which does not pass before Heard unless it had passed before.
func (f *Facts) heard(deadline time.Time, passed bool) time.Time {
	if passed || !deadline.Before(f.Heard) {
		return deadline
	}
	return f.Heard
}

// health is what the last runs say. An outcome that this version does not know says nothing.
func (r Rules) health(f Facts) (t Troubles) {
	kind := Class(f.Outcome)
	after := map[Trouble]int{Failing: r.FailingAfter, Stale: r.StaleAfter, Errored: r.ErroredAfter}[kind]
	if kind != "" && f.Streak >= after {
		t.Add(kind)
	}
	return t
}

// Class is the trouble that runs with this outcome are, when there are enough of them; "" for
// those that are none.
func Class(o api.Outcome) Trouble {
	switch o {
	case api.Failed, api.TimedOut, api.Interrupted:
		return Failing
	case api.Stale:
		return Stale
	case api.Errored:
		return Errored
	}
	return ""
}

// moments notes the first that is still to come of those that it is asked about.
type moments struct{ now, next time.Time }

func (m *moments) passed(t time.Time) bool {
	if !t.After(m.now) {
		return true
	}
	if m.next.IsZero() || t.Before(m.next) {
		m.next = t
	}
	return false
}

func (m *moments) presence(late, silent time.Time) Presence {
	switch {
	case m.passed(silent):
		return Silent
	case m.passed(late):
		return Late
	}
	return Present
}
