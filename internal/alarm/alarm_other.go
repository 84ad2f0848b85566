//go:build !linux

// Package alarm waits for long at little cost, where the system has the means.
package alarm

import "time"

// Alarm is a clock that can be set to one time.
type Alarm struct{}

// New makes an alarm.
func New() (*Alarm, error) { return &Alarm{}, nil }

// After is time.After.
func (*Alarm) After(d time.Duration) <-chan time.Time { return time.After(d) }
