// Package hold is who holds the node: several people, each for a reason and a time
// of his own, in holds.json, and as Puppet's own disable file where a hold is to
// keep a plain `puppet agent -t` off as well.
package hold

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/printable"
	"github.com/puppet-cron/puppet-cron/scheduler"
)

// Kind is what a hold forbids.
type Kind string

// The kinds of holds.
const (
	Disable      Kind = "disable"       // every run, a plain `puppet agent -t` too
	Noop         Kind = "noop"          // changes by our runs
	ScheduleOnly Kind = "schedule-only" // runs that nobody asked for
)

// Hold is one person's. Who holds a second time replaces what he held.
type Hold struct {
	Owner  string     `json:"owner"`
	Kind   Kind       `json:"kind"`
	Reason string     `json:"reason"`
	Since  time.Time  `json:"since"`
	Until  *time.Time `json:"until,omitempty"` // nil: it has no end
}

// Ended reports whether the hold is over. That goes by the clock alone: no reboot and
// no service that is away makes it longer.
func (h *Hold) Ended(now time.Time) bool { return h.Until != nil && !now.Before(*h.Until) }

// String names the hold in one line.
func (h *Hold) String() string {
	end := "without an end"
	if h.Until != nil {
		end = "until " + h.Until.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("%s (%s, %s): %s", h.Owner, h.Kind, end, h.Reason)
}

// Holds are all holds of a node: holds.json. Those that have ended stay in it for a
// while: a clock that was set wrongly must not cost anybody his hold.
type Holds struct {
	Schema int    `json:"schema"`
	Holds  []Hold `json:"holds"`
	// Restored is when Puppet's disable file, lifted by somebody else, was put back.
	Restored *time.Time `json:"restored,omitempty"`

	// unreadable is why nobody knows who holds the node.
	unreadable error
}

// Active are the holds in force.
func (h *Holds) Active(now time.Time) []Hold {
	return slices.DeleteFunc(slices.Clone(h.Holds), func(one Hold) bool { return one.Ended(now) })
}

// Of is the hold in force of this owner; nil when he has none.
func (h *Holds) Of(owner string, now time.Time) *Hold {
	for _, one := range h.Active(now) {
		if one.Owner == owner {
			return &one
		}
	}
	return nil
}

// Unreadable is why nobody knows who holds the node; nil when that is known.
func (h *Holds) Unreadable() error { return h.unreadable }

func (h *Holds) kind(k Kind, now time.Time) []Hold {
	return slices.DeleteFunc(h.Active(now), func(one Hold) bool { return one.Kind != k })
}

// Facts adds to the facts what the holds say, and Puppet's disable file, of which nil
// means that there is none. A file of ours says no more than the holds do, and may be
// about to be lifted or restored: only one that somebody else wrote counts.
func (h *Holds) Facts(f *scheduler.Facts, file *api.DisableInfo) {
	f.Disabled = h.Disabled(f.Now)
	if file != nil && file.Plain() {
		f.Disabled = file
	}
	f.Held, f.NoopHold = h.held(f.Now), h.noop(f.Now)
}

// Disabled tells of the holds that disable Puppet, as one; nil without any.
func (h *Holds) Disabled(now time.Time) *api.DisableInfo {
	holds := h.kind(Disable, now)
	if len(holds) == 0 {
		return nil
	}
	first := holds[0]
	info := &api.DisableInfo{By: first.Owner, Reason: first.Reason, Since: &first.Since, Until: first.Until}
	if len(holds) == 1 {
		return info
	}
	var by, why []string
	for _, one := range holds {
		by, why = append(by, one.Owner), append(why, one.Owner+": "+one.Reason)
		if one.Since.Before(*info.Since) {
			info.Since = &one.Since
		}
		if info.Until != nil && (one.Until == nil || one.Until.After(*info.Until)) {
			info.Until = one.Until
		}
	}
	info.By, info.Reason = printable.Cut(strings.Join(by, ", "), api.MaxNameBytes), printable.Cut(strings.Join(why, "; "), api.MaxMessageBytes)
	return info
}

func (h *Holds) held(now time.Time) *scheduler.Held {
	if h.unreadable != nil {
		return &scheduler.Held{Everyone: true, Why: fmt.Sprintf("nobody knows who holds this node: %v%s", h.unreadable, hint(h.unreadable))}
	}
	holds := h.kind(ScheduleOnly, now)
	if len(holds) == 0 {
		return nil
	}
	return &scheduler.Held{Why: "the schedule is held by " + list(holds) + "; `puppet-cron enable` ends it, `puppet-cron run` runs nonetheless"}
}

func (h *Holds) noop(now time.Time) string {
	holds := h.kind(Noop, now)
	if len(holds) == 0 {
		return ""
	}
	return "nothing may be changed: held by " + list(holds) + "; `puppet-cron enable` ends it"
}

func list(holds []Hold) string {
	var all []string
	for _, one := range holds {
		all = append(all, one.String())
	}
	return strings.Join(all, "; ")
}

// forgetAfter is how long a hold that has ended stays in the file.
const forgetAfter = 24 * time.Hour

// maxHolds bounds the file, and with it what Puppet's own must tell.
const maxHolds = 100

// with is the holds and one more, in place of what its owner held.
func (h *Holds) with(one Hold, now time.Time) (*Holds, error) {
	if old := h.Of(one.Owner, now); old != nil && old.Kind == one.Kind {
		one.Since = old.Since // it is extended
	}
	next := h.without(one.Owner, now)
	if len(next.Holds) >= maxHolds {
		return nil, fmt.Errorf("cannot hold the node: %d hold it already; `puppet-cron enable --all` ends them", len(next.Holds))
	}
	next.Holds = append(next.Holds, one)
	if h.Disabled(now) == nil {
		next.Restored = nil
	}
	return next, nil
}

// without is the holds but this owner's, and those that ended long ago.
func (h *Holds) without(owner string, now time.Time) *Holds {
	next := &Holds{Schema: schema, Restored: h.Restored}
	for _, one := range h.Holds {
		if one.Owner != owner && (one.Until == nil || now.Sub(*one.Until) < forgetAfter) {
			next.Holds = append(next.Holds, one)
		}
	}
	return next
}

const schema = 1

// check holds a file to what this program writes. What it would not have written it
// does not understand, and must not overrule.
func (h *Holds) check() error {
	seen := map[string]bool{}
	for i, one := range h.Holds {
		_, bad := CheckReason(one.Reason)
		switch {
		case CheckOwner(one.Owner) != nil:
			return fmt.Errorf("hold %d has no owner that can be one: %q", i+1, one.Owner)
		case seen[one.Owner]:
			return fmt.Errorf("%s holds it twice", one.Owner)
		case one.Kind != Disable && one.Kind != Noop && one.Kind != ScheduleOnly:
			return fmt.Errorf("the hold of %s is of a kind that is not known: %q", one.Owner, one.Kind)
		case one.Since.IsZero():
			return fmt.Errorf("the hold of %s has no beginning", one.Owner)
		case bad != nil:
			return fmt.Errorf("the reason of %s: %w", one.Owner, bad)
		}
		seen[one.Owner] = true
	}
	if len(h.Holds) > maxHolds {
		return errors.New("there are too many holds in it")
	}
	return nil
}
