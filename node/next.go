package node

import (
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/scheduler"
)

// Next is a run that is due, and what becomes of it, should nothing change until then.
// Locks do not last, and are left out.
type Next struct {
	Due         time.Time      `json:"due"`
	Why         string         `json:"why"` // it is due then
	Noop        bool           `json:"noop,omitempty"`
	IfDue       scheduler.Verb `json:"if_due"`
	IfDueReason api.Reason     `json:"if_due_reason,omitempty"`
	IfDueWhy    string         `json:"if_due_why,omitempty"`
}

// Upcoming are the slots of the next n runs after a time.
func Upcoming(src Source, from time.Time, n int) []Next {
	return become(src, src.Spec.Upcoming(from, n))
}

// become tells what becomes of runs.
func become(src Source, slots []scheduler.Slot) []Next {
	s := &Status{At: src.Now}
	s.readDisable(src.State)
	s.readHolds(src.State)
	next := []Next{}
	for _, slot := range slots {
		d := s.due(src, slot.Due)
		next = append(next, Next{slot.Due, slot.Why, d.Verb != scheduler.Skip && d.Noop != "", d.Verb, d.Reason, s.saidOf(d)})
	}
	return next
}

// due is what becomes of a run that comes by itself at some time.
func (s *Status) due(src Source, at time.Time) scheduler.Decision {
	f := s.heldAt(at)
	f.Unasked = src.Conditions
	if src.Spec != nil {
		f.Window = src.Spec.Window(at)
	}
	return scheduler.Decide(f)
}

// saidOf marks what this user cannot see, and may be wrong about.
func (s *Status) saidOf(d scheduler.Decision) string {
	why := d.Why()
	switch unseen := s.unseen(); {
	case unseen == "", d.Verb == scheduler.Skip && d.Reason != api.Disabled:
	case d.Verb == scheduler.Skip && s.disableUnseen():
		return why + s.asRootSaw()
	case d.Verb == scheduler.Skip:
	case why == "":
		return "as far as this user can see: " + unseen
	default:
		return why + "; as far as this user can see: " + unseen
	}
	return why
}

// foresee says that the run which the service announces will not start.
func (s *Status) foresee(src Source) {
	if v := s.Service; v != nil && v.NextDue != nil {
		v.NextSkipped = s.due(src, *v.NextDue).Message
	}
}
