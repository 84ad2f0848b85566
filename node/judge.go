package node

import (
	"fmt"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// isOld reports whether a good run says nothing about the node any more.
func (s *Status) isOld() bool {
	switch {
	case s.Expected == nil:
		return true
	case s.scheduled:
		return s.At.After(s.Expected.Late)
	}
	return s.At.After(s.Expected.By)
}

// byCondition reports whether a condition has kept off more than one run.
func (s *Status) byCondition() bool { return s.ConditionLate != nil && s.At.After(*s.ConditionLate) }

// judge takes the worst of what is known. A node that is disabled is not ill, but
// nobody knows how it is.
func (s *Status) judge() (Health, string) {
	last := s.LastExecuted
	switch {
	case s.Running != nil && s.Running.CutOff():
		return Unknown, fmt.Sprintf("run %s was cut off; the next run finds out what became of it", s.Running.ID)
	case last == nil && s.judgeHolds() != "":
		return Unknown, s.judgeHolds()
	case last == nil && len(s.NotKnown) > 0:
		return Unknown, "the last run cannot be read"
	case last == nil:
		return Unknown, "there has been no run yet"
	case !last.Outcome.Healthy():
		return Unhealthy, "the last run that was not skipped is " + Describe(last)
	case last.Ended != nil && last.Ended.After(s.At.Add(time.Minute)):
		return Unknown, "the last run ended in the future: the clock was ahead then, or is behind now"
	case s.runningUnread:
		return Unknown, runningUnread
	case s.judgeHolds() != "":
		return Unknown, s.judgeHolds()
	case s.Service != nil && !s.Service.Alive:
		return Unknown, "the service is not running: nothing starts runs on time"
	case s.byCondition():
		return Unknown, "a condition keeps runs off: " + s.Last.Message
	case s.isOld() && !s.scheduled:
		return Unknown, "the last run was more than a day ago"
	case s.isOld():
		return Unknown, "two runs or more were due since the last one"
	}
	return Healthy, "the last run is " + Describe(last)
}

// Describe names a run's outcome with its reason.
func Describe(r *api.Run) string {
	if r.Reason == "" {
		return string(r.Outcome)
	}
	return fmt.Sprintf("%s (%s)", r.Outcome, r.Reason)
}
