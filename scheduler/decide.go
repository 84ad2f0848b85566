// Package scheduler decides. It is pure: facts go in, a decision comes out, so that
// the runner, which acts on it, and status, which explains it, cannot disagree.
package scheduler

import (
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// Facts are what a decision rests on.
type Facts struct {
	Now     time.Time
	Trigger api.Trigger
	// OwnRun is a run of ours that goes on, other than the one to decide on.
	OwnRun *Holder
	// PuppetLock is who holds Puppet's own lock: somebody's `puppet agent -t`.
	PuppetLock *Holder
	// Disabled is Puppet's disable file.
	Disabled *api.DisableInfo
	// Held is set when a hold of ours keeps runs off, and Puppet need not know of it.
	Held *Held
	// Window is what the schedule's windows say of this time.
	Window Window
	// Condition is why a condition of the admin's keeps runs off now.
	Condition string
	// Unasked are conditions of the admin's that nobody has looked at, in words: they are
	// looked at when a run is due, for one of them may be a program.
	Unasked string
	// ShuttingDown says that the system goes down.
	ShuttingDown bool
	// ShutdownAt is when a shutdown is planned; zero where none is.
	ShutdownAt time.Time
	// NoopHold is why runs may change nothing until somebody allows it again.
	NoopHold string
}

// Holder is who keeps a run from starting, in words that identify it.
type Holder struct {
	Who   string
	Since time.Time
}

// Held is a hold of ours, in words that say whose it is and when it ends.
type Held struct {
	Why string
	// Everyone is set when even a person's own run must wait: nobody knows what the
	// hold was.
	Everyone bool
}

// Verb is what to do.
type Verb string

// The verbs.
const (
	Start Verb = "start"
	Wait  Verb = "wait" // for Puppet's own lock; then decide again
	Skip  Verb = "skip"
)

// Decision is what to do, and why.
type Decision struct {
	Verb    Verb
	Reason  api.Reason
	Message string
	// Noop is why the run may change nothing, should it start.
	Noop string
	// Unless is what must be looked at before it starts, and may keep it off after all.
	Unless string
	// Although is what keeps off all but a run that a person asked for, as this one is.
	Although string
}

// Why is all that there is to say of a decision; empty when that is nothing.
func (d Decision) Why() string {
	if d.Message != "" {
		return d.Message
	}
	var said []string
	if d.Noop != "" {
		said = append(said, "with --noop: "+d.Noop)
	}
	if d.Although != "" {
		said = append(said, "although "+d.Although)
	}
	if d.Unless != "" {
		said = append(said, "unless "+d.Unless+": that is looked at when it is due")
	}
	return strings.Join(said, "; ")
}

// Decide says whether a run may start now. What forbids it for longer comes first:
// there is no use in waiting for a lock on a node that is disabled.
//
// Windows, conditions and a hold of the schedule are for the runs that come by
// themselves. Who runs Puppet by hand knows better.
func Decide(f Facts) Decision {
	byItself := ByItself(f.Trigger)
	d := Decision{Verb: Skip, Noop: noop(f, byItself)}
	switch {
	case f.Disabled != nil:
		d.Reason, d.Message = api.Disabled, disabled(f.Disabled)
	case f.Held != nil && (byItself || f.Held.Everyone):
		d.Reason, d.Message = api.Held, f.Held.Why
	case shutdown(f) != "":
		d.Reason, d.Message = api.ByShutdown, shutdown(f)
	case byItself && f.Window.Mode == WindowSkip:
		d.Reason, d.Message = api.OutsideWindow, f.Window.Why
	case f.OwnRun != nil:
		d.Reason, d.Message = api.Locked, f.OwnRun.Who+" goes on"+since(" ", f.OwnRun.Since)
	case byItself && f.Condition != "":
		d.Reason, d.Message = api.Condition, f.Condition
	case f.PuppetLock != nil:
		d.Verb, d.Reason = Wait, api.Locked
		d.Message = "Puppet's own lock is held: " + f.PuppetLock.Who + since(", ", f.PuppetLock.Since)
	default:
		d.Verb = Start
	}
	return d.provided(f, byItself)
}

// provided adds what is to be said of a run that starts, at once or after a wait.
func (d Decision) provided(f Facts, byItself bool) Decision {
	switch {
	case d.Verb == Skip:
	case byItself:
		d.Unless = f.Unasked
	case f.Window.Mode == WindowSkip:
		d.Although = f.Window.Why
	}
	return d
}

// ByItself reports whether a run comes by itself, and nobody has asked for it.
func ByItself(t api.Trigger) bool { return t != api.Manual && t != api.Order }

func noop(f Facts, byItself bool) string {
	switch {
	case f.NoopHold != "":
		return f.NoopHold
	case byItself && f.Window.Mode == WindowNoop:
		return f.Window.Why
	}
	return ""
}

// soon is before when a planned shutdown keeps runs off: the time from which systemd lets
// nobody log in any more. As long afterwards the plan is taken for one that was left
// behind: what logind forgot would keep runs off for ever.
const soon = 5 * time.Minute

// shutdown says why a run would be cut off by a shutdown; empty when it would not.
func shutdown(f Facts) string {
	switch at := f.ShutdownAt; {
	case f.ShuttingDown:
		return "the system is shutting down"
	case !at.IsZero() && at.Sub(f.Now).Abs() < soon:
		return "a shutdown is planned for " + at.UTC().Format(time.RFC3339) + "; `shutdown -c` calls it off"
	}
	return ""
}

func disabled(d *api.DisableInfo) string {
	msg, end := "puppet is disabled", "; `puppet agent --enable` lifts it"
	if !d.Plain() {
		msg, end = msg+" by "+d.By, "; `puppet-cron enable` ends it"
	}
	if d.Since != nil {
		msg += since(" ", *d.Since)
	}
	if d.Until != nil {
		msg += " until " + d.Until.UTC().Format(time.RFC3339)
	}
	if d.Reason != "" {
		msg += ": " + d.Reason
	}
	return msg + end
}

// since is empty when the time is not known.
func since(before string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return before + "since " + t.UTC().Format(time.RFC3339)
}
