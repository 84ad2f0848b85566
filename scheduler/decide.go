// Package scheduler decides. It is pure: facts go in, a decision comes out, so that
// the runner, which acts on it, and status, which explains it, cannot disagree.
package scheduler

import (
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
	// Noop, of a run that starts, is why it may change nothing.
	Noop string
}

// Decide says whether a run may start now. What forbids it for longer comes first:
// there is no use in waiting for a lock on a node that is disabled.
//
// Windows, conditions and a hold of the schedule are for the runs that come by
// themselves. Who runs Puppet by hand knows better.
func Decide(f Facts) Decision {
	byItself := !byHand(f.Trigger)
	switch {
	case f.Disabled != nil:
		return Decision{Verb: Skip, Reason: api.Disabled, Message: disabled(f.Disabled)}
	case f.Held != nil && (byItself || f.Held.Everyone):
		return Decision{Verb: Skip, Reason: api.Held, Message: f.Held.Why}
	case shutdown(f) != "":
		return Decision{Verb: Skip, Reason: api.ByShutdown, Message: shutdown(f)}
	case byItself && f.Window.Mode == WindowSkip:
		return Decision{Verb: Skip, Reason: api.OutsideWindow, Message: f.Window.Why}
	case f.OwnRun != nil:
		return Decision{Verb: Skip, Reason: api.Locked, Message: f.OwnRun.Who + " goes on" + since(" ", f.OwnRun.Since)}
	case byItself && f.Condition != "":
		return Decision{Verb: Skip, Reason: api.Condition, Message: f.Condition}
	case f.PuppetLock != nil:
		return Decision{
			Verb: Wait, Reason: api.Locked,
			Message: "Puppet's own lock is held: " + f.PuppetLock.Who + since(", ", f.PuppetLock.Since),
		}
	}
	return Decision{Verb: Start, Noop: noop(f, byItself)}
}

func byHand(t api.Trigger) bool { return t == api.Manual || t == api.Order }

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
