package scheduler

import "time"

// Heard is what was last heard of a node's runs.
type Heard struct {
	// Begun is when the last run began that tried Puppet; one that goes on counts.
	Begun time.Time
	// NextDue is the slot that the service announced with that run: a catch-up run
	// covers the slots right behind it. Zero: nothing was announced.
	NextDue time.Time
	// Skipped is when a later run was skipped; zero: none was.
	Skipped time.Time
	// OnPurpose is set when that run was skipped because somebody wanted it so, by a hold
	// or by a condition.
	OnPurpose bool
	// Booted is when the node was; zero: not known.
	Booted time.Time
}

// Expected is by when the next run should have been heard of.
type Expected struct {
	// By: later than that, one slot was missed.
	By time.Time `json:"by"`
	// Late: later than that, two were.
	Late time.Time `json:"late"`
	// Quiet is until when silence says nothing, because the node has just booted.
	Quiet time.Time `json:"quiet,omitzero"`
}

// grace is what a run may take to be heard of, beyond what the schedule allows it:
// a boot, a start, a busy machine.
const grace = 5 * time.Minute

// Expect reckons with slots, not with ages: a schedule of nights and working days has
// silences of many lengths.
//
// One run that was skipped excuses its slot. What was kept off on purpose was not missed,
// however long that took: after a hold was lifted, the next slot is the first that can be.
func (s *Spec) Expect(h Heard) Expected {
	first := s.firstAfter(h)
	second := s.Next(first)
	if !h.Skipped.Before(first) {
		first, second = second, s.Next(second)
	}
	if h.OnPurpose {
		next := s.Next(h.Skipped)
		first, second = latest(first, next), latest(second, s.Next(next))
	}
	patience := s.rule.CatchUp + grace
	e := Expected{By: first.Add(patience), Late: second.Add(patience)}
	if !h.Booted.IsZero() {
		e.Quiet = s.quiet(h.Booted)
	}
	return e
}

// firstAfter trusts an announcement as far as one slot: it may be of another schedule.
func (s *Spec) firstAfter(h Heard) time.Time {
	first := s.Next(h.Begun)
	if following := s.Next(first); h.NextDue.After(first) {
		return earliest(h.NextDue, following)
	}
	return first
}

// quiet is when a node that has just booted must have run.
func (s *Spec) quiet(booted time.Time) time.Time {
	if s.rule.CatchUp == 0 {
		return s.Next(booted).Add(grace)
	}
	return booted.Add(s.rule.CatchUp + grace).UTC()
}
