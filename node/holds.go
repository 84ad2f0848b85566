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
	if errors.Is(err, fs.ErrPermission) { // who may read it knows
		s.Unseen = append(s.Unseen, Holds)
		holds = new(hold.Holds)
	}
	s.Holds, s.holds, s.disableFile = holds.Active(s.At), holds, s.Disabled
	ours, file := holds.Disabled(s.At), s.disableFile
	s.held = s.heldAt(s.At)
	s.Disabled = s.held.Disabled
	if holds.Unreadable() != nil {
		s.HoldsUnreadable = s.held.Held.Why
	}
	if ours == nil {
		return
	}
	missing := file == nil && s.Saw(Disabled) && s.puppetKnown
	if missing || holds.Restored != nil {
		s.Lifted = &Lifted{Missing: missing, Restored: holds.Restored}
	}
}

// heldAt is what the holds say of a run that comes by itself at some time. What a runner
// saw of Puppet's disable file may be gone, and does not outrank a hold that stands.
func (s *Status) heldAt(t time.Time) scheduler.Facts {
	f, file := scheduler.Facts{Now: t, Trigger: api.Schedule}, s.disableFile
	if !s.Saw(Disabled) && s.holds.Disabled(t) != nil {
		file = nil
	}
	s.holds.Facts(&f, file)
	return f
}

// since is when the oldest hold of a kind began; nil without one.
func (s *Status) since(k hold.Kind) (since *time.Time) {
	for _, h := range s.Holds {
		if h.Kind == k && (since == nil || h.Since.Before(*since)) {
			since = &h.Since
		}
	}
	return since
}

// OnPurpose is why somebody keeps the node's runs off, whatever the schedule says; nil
// when nobody does, or when nobody knows.
func (s *Status) OnPurpose() *Hold {
	switch {
	case s.IfDueReason == api.Disabled && s.Disabled != nil:
		return &Hold{api.Disabled, s.IfDueWhy, s.Disabled.Since}
	case s.onPurpose(s.IfDueReason):
		return &Hold{s.IfDueReason, s.IfDueWhy, s.since(hold.ScheduleOnly)}
	}
	return nil
}

// onPurpose reports whether this reason is somebody's will. Holds that nobody can read
// are nobody's.
func (s *Status) onPurpose(r api.Reason) bool {
	return r == api.Disabled || (r == api.Held && s.HoldsUnreadable == "")
}

// Hold is what keeps runs off.
type Hold struct {
	Reason api.Reason
	Why    string
	Since  *time.Time
}

// disableUnseen reports whether it is Puppet's disable file that counts, and this user
// may not see it.
func (s *Status) disableUnseen() bool {
	return !s.Saw(Disabled) && (s.Disabled == nil || s.Disabled.Plain())
}

// asRootSaw marks what was seen by a runner, and not by this user.
func (s *Status) asRootSaw() string {
	if s.Seen == nil {
		return ""
	}
	return fmt.Sprintf(" (as root saw it %s)", s.ago(*s.Seen))
}

// unseen is what this user may not see of what keeps runs off; empty when he sees it all.
func (s *Status) unseen() string {
	switch {
	case !s.Saw(Holds):
		return "this user may not see who holds this node"
	case s.disableUnseen() && s.Seen != nil:
		return "puppet's disable file cannot be seen by this user; this is as the last run saw it " + s.ago(*s.Seen)
	}
	return ""
}

// judgeHolds is why nothing keeps the node as it should be; empty when something does.
func (s *Status) judgeHolds() string {
	d := scheduler.Decide(s.held)
	if d.Message == "" && !s.Saw(Holds) {
		return s.unseen()
	}
	if d.Reason == api.Disabled {
		if s.disableUnseen() {
			d.Message += s.asRootSaw()
		}
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
