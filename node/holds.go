package node

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/hold"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

// Lifted says that somebody else removed Puppet's disable file while a hold stood.
type Lifted struct {
	// Missing: it is not there now. The next run, or the service before that, puts it back.
	Missing  bool       `json:"missing,omitempty"`
	Restored *time.Time `json:"restored,omitempty"`
}

// readHolds adds who holds the node. Puppet's disable file must have been looked at.
func (s *Status) readHolds(d *state.Dir) {
	holds, err := hold.Load(d)
	s.notKnown(err)
	s.Holds, s.holds, s.disableFile = holds.Active(s.At), holds, s.Disabled
	ours, file := holds.Disabled(s.At), s.disableFile
	s.held = s.heldAt(s.At)
	s.Disabled = s.held.Disabled
	if ours == nil {
		return
	}
	missing := file == nil && s.Saw(Disabled) && s.puppetKnown
	if missing || holds.Restored != nil {
		s.Lifted = &Lifted{Missing: missing, Restored: holds.Restored}
	}
}

// heldAt is what the holds say of a run that comes by itself at some time.
func (s *Status) heldAt(t time.Time) scheduler.Facts {
	f := scheduler.Facts{Now: t, Trigger: api.Schedule}
	s.holds.Facts(&f, s.disableFile)
	return f
}

// judgeHolds is why nothing keeps the node as it should be; empty when something does.
func (s *Status) judgeHolds() string {
	d := scheduler.Decide(s.held)
	if d.Reason == api.Disabled {
		d.Message += "; nothing keeps the node as it should be"
	}
	return d.Message
}

// Banner is what whoever logs in should know: who keeps Puppet from doing its work.
// Nothing else is looked at, because nobody likes to wait at a login.
func Banner(src Source) []string {
	s := &Status{At: src.Now}
	s.readDisable(src.State)
	s.readHolds(src.State)
	var lines []string
	if why := s.judgeHolds(); why != "" {
		lines = append(lines, why)
	}
	if s.held.NoopHold != "" {
		lines = append(lines, s.held.NoopHold)
	}
	return lines
}

// GoesOn names the run that goes on, ours or another agent's; empty without any.
func GoesOn(d *state.Dir) (string, error) {
	r, err := d.Running()
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", fmt.Errorf("cannot tell whether a run goes on: %w", err)
	case r.Runner.Alive() || (r.Puppet != nil && r.Puppet.Alive()):
		return fmt.Sprintf("run %s (%s)", r.ID, r.Trigger), nil
	}
	known := new(puppet.Known)
	if err := d.ReadPuppet(known); err != nil {
		return "", fmt.Errorf("cannot tell whether puppet runs: %w", err)
	}
	lock, err := known.Settings.RunInProgress()
	if err != nil || lock == nil {
		return "", err
	}
	return lock.String(), nil
}
