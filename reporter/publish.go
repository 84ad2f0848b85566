package reporter

import (
	"errors"
	"io/fs"
	"time"

	"github.com/puppet-cron/puppet-cron/state"
)

// publish keeps what a pass came to in reporter.json. Only who has the lock of reporting
// gets here.
func (r *Reporter) publish(p *pass, got result) {
	known, err := r.known()
	if err != nil {
		r.Log.Warn("what is known of the reporting cannot be kept", "error", err)
		return
	}
	now := time.Now().UTC()
	if p.taken > 0 {
		known.LastSuccess = &now
	}
	known.LastError, known.NextTry = "", nil
	if got.failed == nil {
		known.FailingSince = nil
	} else {
		next := now.Add(got.wait)
		known.LastError, known.NextTry = got.failed.text, &next
		if known.FailingSince == nil {
			known.FailingSince = &now
		}
	}
	if p.slot != nil && (known.Slot == nil || *known.Slot != *p.slot) {
		known.Slot, known.SlotSince = p.slot, &now
	}
	if s, err := r.State.Spooled(); err == nil {
		known.Dropped = s.Dropped
	}
	if err := r.State.SetReporting(*known); err != nil {
		r.Log.Warn("what is known of the reporting cannot be kept", "error", err)
		return
	}
	if r.Changed != nil {
		r.Changed()
	}
}

// known is what the file says; a corrupt one is set aside.
func (r *Reporter) known() (*state.Reporting, error) {
	known, err := r.State.Reporting()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return new(state.Reporting), nil
	case errors.Is(err, state.ErrCorrupt):
		aside, err2 := state.SetAside(r.State.File("reporter.json"))
		r.Log.Warn("a state file was corrupt", "error", err, "now", aside)
		return new(state.Reporting), err2
	}
	return known, err
}
