// Package scheduler decides. It is pure: facts go in, a decision comes out, so that
// the runner, which acts on it, and status, which explains it, cannot disagree.
package scheduler

import (
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// Facts are what a decision rests on.
type Facts struct {
	Now time.Time
	// OwnRun is a run of ours that goes on, other than the one to decide on.
	OwnRun *Holder
	// PuppetLock is who holds Puppet's own lock: somebody's `puppet agent -t`.
	PuppetLock *Holder
	// Disabled is Puppet's disable file.
	Disabled *api.DisableInfo
}

// Holder is who keeps a run from starting, in words that identify it.
type Holder struct {
	Who   string
	Since time.Time
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
}

// Decide says whether a run may start now. What forbids it for longer comes first:
// there is no use in waiting for a lock on a node that is disabled.
func Decide(f Facts) Decision {
	switch {
	case f.Disabled != nil:
		return Decision{Skip, api.Disabled, disabled(f.Disabled)}
	case f.OwnRun != nil:
		return Decision{Skip, api.Locked, f.OwnRun.Who + " goes on" + since(" ", f.OwnRun.Since)}
	case f.PuppetLock != nil:
		return Decision{Wait, api.Locked, "Puppet's own lock is held: " + f.PuppetLock.Who + since(", ", f.PuppetLock.Since)}
	}
	return Decision{Verb: Start}
}

func disabled(d *api.DisableInfo) string {
	msg := "puppet is disabled"
	if d.Since != nil {
		msg += since(" ", *d.Since)
	}
	if d.Reason != "" {
		msg += ": " + d.Reason
	}
	return msg + "; `puppet agent --enable` lifts it"
}

// since is empty when the time is not known.
func since(before string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return before + "since " + t.UTC().Format(time.RFC3339)
}
