package node

import (
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/scheduler"
)

// Where no service keeps a schedule, whatever starts the runs is taken to do so once a
// day at least.
const (
	tooOld     = 25 * time.Hour
	muchTooOld = 49 * time.Hour
	// quietDaily is for how long a boot excuses silence there: most crontabs start a run
	// once an hour or more often, and a machine that has just booted is busy.
	quietDaily = 65 * time.Minute
)

// expect says by when the next run should be heard of. A run that goes on was heard of.
func (s *Status) expect(src Source) {
	h, known := s.heard(src)
	switch {
	case !known:
		return
	case s.Service == nil || src.Spec == nil:
		s.Expected = s.expectDaily(h)
		return
	}
	s.Expected, s.scheduled = new(src.Spec.Expect(h)), true
	if s.lastSkip() == api.Condition {
		h.OnPurpose = false
		s.ConditionLate = new(src.Spec.Expect(h).By)
	}
}

// heard is what is known of the node's runs. A service that has never had a run is
// expected to start one.
func (s *Status) heard(src Source) (h scheduler.Heard, known bool) {
	h.Booted = src.Booted
	switch last := s.LastExecuted; {
	case last != nil && last.Ended != nil:
		h.Begun = begun(last)
		if last.Schedule != nil && last.Schedule.NextDue != nil {
			h.NextDue = *last.Schedule.NextDue
		}
		h.NextDue = later(h.NextDue, s.moved)
	case last == nil && !s.runsUnread && s.Service != nil && s.Service.Since != nil:
		h.Begun = *s.Service.Since
	default:
		return h, false
	}
	if r := s.Running; r != nil && !r.CutOff() && r.Since.After(h.Begun) {
		h.Begun = r.Since
	}
	if reason := s.lastSkip(); reason != "" {
		h.Skipped, h.OnPurpose = *s.Last.Ended, s.onPurpose(reason) || reason == api.Condition
	}
	return h, true
}

// lastSkip is why the last run was skipped; empty when it was not.
func (s *Status) lastSkip() api.Reason {
	if s.Last == nil || s.Last.Outcome != api.Skipped || s.Last.Ended == nil {
		return ""
	}
	return s.Last.Reason
}

// expectDaily is for a node on which something else starts the runs.
func (s *Status) expectDaily(h scheduler.Heard) *scheduler.Expected {
	if s.LastExecuted == nil {
		return nil
	}
	quiet := later(*s.LastExecuted.Ended, h.NextDue) // the windows may be closed for days
	if h.OnPurpose {
		quiet = later(quiet, h.Skipped)
	}
	e := &scheduler.Expected{By: quiet.Add(tooOld).UTC(), Late: quiet.Add(muchTooOld).UTC()}
	if !h.Booted.IsZero() {
		e.Quiet = h.Booted.Add(quietDaily).UTC()
	}
	return e
}

func begun(r *api.Run) time.Time {
	if r.Started != nil {
		return *r.Started
	}
	return *r.Ended
}
