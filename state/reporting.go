package state

import (
	"fmt"
	"time"

	"github.com/puppet-cron/puppet-cron/splay"
)

// Reporting is what is known of the reporting: reporter.json. Whoever has ReportLock
// writes it.
type Reporting struct {
	Schema int `json:"schema"`

	LastSuccess  *time.Time `json:"last_success,omitempty"` // when the collector took an outcome
	LastError    string     `json:"last_error,omitempty"`   // empty when all is well
	FailingSince *time.Time `json:"failing_since,omitempty"`
	NextTry      *time.Time `json:"next_try,omitempty"`

	// Slot is the place that the collector gave to this node, a fraction for package splay.
	Slot      *float64   `json:"slot,omitempty"`
	SlotSince *time.Time `json:"slot_since,omitempty"`

	// Dropped is how many outcomes the full spool had dropped in all when this was written.
	Dropped int `json:"dropped,omitempty"`
}

// Reporting reads what is known of the reporting.
func (d *Dir) Reporting() (*Reporting, error) {
	r := new(Reporting)
	if err := read(d.File("reporter.json"), r); err != nil {
		return nil, err
	}
	if r.Slot != nil && !splay.Valid(*r.Slot) {
		return nil, fmt.Errorf("%w: %s: slot is %g", ErrCorrupt, d.File("reporter.json"), *r.Slot)
	}
	return r, nil
}

// SetReporting replaces what is known of the reporting.
func (d *Dir) SetReporting(r Reporting) error {
	r.Schema = schema
	return write(d.File("reporter.json"), r, publicMode)
}
