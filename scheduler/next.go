package scheduler

import (
	"fmt"
	"time"
)

// Next returns the first due time after the given one, in UTC. Due times only ever
// grow: what makes a run neither early nor double is built on that.
func (s *Spec) Next(after time.Time) time.Time {
	after = after.Round(0).UTC() // the wall clock alone counts
	if s.windows != nil {
		return s.nextSpot(after).due.UTC()
	}
	return s.times.next(after.Add(-s.offset)).Add(s.offset).UTC()
}

// Slot is one due time, and what makes it due.
type Slot struct {
	Due time.Time
	Why string
}

// Upcoming returns the next n slots after a time.
func (s *Spec) Upcoming(from time.Time, n int) []Slot {
	var slots []Slot
	for due := s.Next(from); len(slots) < n; due = s.Next(due) {
		slots = append(slots, Slot{due, s.why(due)})
	}
	return slots
}

func (s *Spec) why(due time.Time) string {
	if s.windows != nil {
		return s.whyInWindow(due)
	}
	why := s.times.why(due.Add(-s.offset))
	if s.window == 0 {
		return why
	}
	return fmt.Sprintf("%s + %v of %v (%s)", why, s.offset.Round(time.Millisecond), s.window, s.rule.Share.Source)
}

// maxCount bounds the work after a long absence, or a clock that jumped by years.
const maxCount = 100_000

// count returns the number of slots after one time, up to and including another;
// of more than maxCount, that many.
func (s *Spec) count(after, until time.Time) int {
	n := 0
	for due := s.Next(after); !due.After(until) && n < maxCount; due = s.Next(due) {
		n++
	}
	return n
}
