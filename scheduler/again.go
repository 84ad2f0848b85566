package scheduler

import (
	"math"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// Again is a run that comes sooner than the next slot, because the one before it did
// not do its work.
type Again struct {
	At      time.Time   `json:"at"`
	Trigger api.Trigger `json:"trigger"` // Retry or FollowUp
}

// Heed lets the outcome of a run change what comes next. Luck is from 0 up to 1.
//
// A run that never reached its server is tried again a few times, each time later. The
// tries are those of one outage, not of each slot: a fleet that is cut off for long goes
// back to its slots, and when its server returns it meets the usual load and no more.
//
// A run that upgraded Puppet and therefore left resources out is followed by one other.
func (s *Spec) Heed(l Ledger, run *api.Run, now time.Time, luck float64) Ledger {
	switch {
	case !run.Outcome.Executed():
		return l
	case neverReached(run) && !ByItself(run.Trigger):
		return l // somebody looks at it already
	case neverReached(run):
		return s.retry(l, run, now, luck)
	}
	l.Again, l.Retries = Again{}, 0
	if run.PuppetUpgraded && run.Outcome.Healthy() && run.Resources != nil && run.Resources.Skipped > 0 && run.Trigger != api.FollowUp {
		return s.again(l, api.FollowUp, run, now, s.firstDelay(), luck)
	}
	return l
}

// neverReached reports whether a run got no answer at all. One that the server turned
// away for want of capacity is not tried again: that would make things worse.
func neverReached(run *api.Run) bool {
	return !run.Outcome.Healthy() && (run.Reason == api.ServerUnreachable || run.Reason == api.StartFailed)
}

func (s *Spec) retry(l Ledger, run *api.Run, now time.Time, luck float64) Ledger {
	if l.Retries >= s.rule.Retries {
		l.Again = Again{}
		return l
	}
	return s.again(l, api.Retry, run, now, s.retryDelay(l.Retries), luck)
}

// again plans a run within half of the delay around it, unless it would go on into the
// next slot, or one is owed that comes by then.
func (s *Spec) again(l Ledger, t api.Trigger, run *api.Run, now time.Time, delay time.Duration, luck float64) Ledger {
	at := now.Round(0).UTC().Add(delay/2 + time.Duration(luck*float64(delay)))
	l.Again = Again{}
	if l.CatchUp.IsZero() && at.Add(took(run)).Before(s.Due(l)) {
		l.Again = Again{At: at, Trigger: t}
	}
	return l
}

func took(run *api.Run) time.Duration {
	if run.Started == nil || run.Ended == nil {
		return 0
	}
	return max(0, run.Ended.Sub(*run.Started))
}

// firstDelay is a minute, or less where runs are closer than half an hour.
func (s *Spec) firstDelay() time.Duration { return min(time.Minute, s.interval/30) }

// retryDelay grows by the same factor with every try, up to a third of the interval.
func (s *Spec) retryDelay(tried int) time.Duration {
	first, last := s.firstDelay(), s.interval/3
	if s.rule.Retries < 2 {
		return first
	}
	growth := math.Pow(float64(last)/float64(first), float64(tried)/float64(s.rule.Retries-1))
	return time.Duration(float64(first) * growth)
}
