package node

import (
	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/scheduler"
)

func (s *Status) decide(src Source) {
	if s.runningUnread {
		s.IfAskedWhy = runningUnread
		return
	}
	facts := s.held
	facts.Now, facts.ShutdownAt = src.Now, src.Shutdown
	if src.Spec != nil {
		facts.Window = src.Spec.Window(src.Now)
	}
	if r := s.Running; r != nil && !r.CutOff() {
		facts.OwnRun = &scheduler.Holder{Who: r.Who(r.RunnerAlive), Since: r.Since}
	} else if s.PuppetLock != nil {
		facts.PuppetLock = &scheduler.Holder{Who: s.PuppetLock.String(), Since: s.PuppetLock.Since}
	}
	facts.Unasked = src.Conditions
	due, asked := s.verdict(facts, api.Schedule), s.verdict(facts, api.Manual)
	s.IfDue, s.IfDueReason, s.IfDueWhy, s.IfDueNoop, s.IfDueUnless = due.Verb, due.Reason, due.Why(), due.Noop, due.Unless
	s.IfAsked, s.IfAskedWhy, s.IfAskedNoop = asked.Verb, asked.Why(), asked.Noop
}

const runningUnread = "the run in progress cannot be read"

// verdict promises no run of which nobody knows whether it could start.
func (s *Status) verdict(facts scheduler.Facts, t api.Trigger) scheduler.Decision {
	facts.Trigger = t
	d := scheduler.Decide(facts)
	switch {
	case d.Verb == scheduler.Skip:
	case !s.Saw(Disabled), !s.Saw(PuppetLock), !s.Saw(Holds):
		return scheduler.Decision{Message: "this user may not see what could forbid it"}
	case !s.puppetKnown:
		return scheduler.Decision{Message: "no run has learnt yet where puppet's files are"}
	}
	return d
}
