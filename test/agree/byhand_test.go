//go:build !windows

package agree_test

import (
	"strings"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/node"
)

// written is what a person expects of a cell.
type written struct {
	run      string // outcome, reason, and noop
	due      string // what status says of a run that comes by itself
	asked    string // and of one that is asked for
	health   node.Health
	check    string
	keptOff  string // the reason that the metrics give afterwards; ? is one left out
	nextRuns string
}

// These cells are written by hand, should the rules be wrong in the way the product is.
var byHand = map[cell]written{
	{"none", "none", "none", "free", api.Schedule}: {
		"unchanged", "start", "start", node.Healthy, "OK", "", "start",
	},
	{"none", "none", "no", "free", api.Schedule}: {
		"skipped (condition)", "start unless", "start", node.Healthy, "OK", "condition", "start unless",
	},
	{"none", "none", "no", "free", api.Manual}: {
		"unchanged", "start unless", "start", node.Healthy, "OK", "?", "start unless",
	},
	{"none", "closed", "none", "free", api.Schedule}: {
		"skipped (outside_window)", "skip outside the windows", "start although", node.Healthy, "OK", "outside_window", "start",
	},
	{"none", "closed", "none", "free", api.Manual}: {
		"unchanged", "skip outside the windows", "start although outside the windows", node.Healthy, "OK", "outside_window", "start",
	},
	{"none", "noop", "none", "free", api.Schedule}: {
		"unchanged noop", "start with --noop: in the noop window", "start", node.Healthy, "OK", "", "start with --noop",
	},
	{"none", "noop", "none", "free", api.Manual}: {
		"unchanged", "start with --noop", "start", node.Healthy, "OK", "", "start with --noop",
	},
	{"noop", "closed", "none", "free", api.Manual}: {
		"unchanged noop", "skip outside", "start with --noop: nothing may be changed", node.Healthy, "WARNING", "outside_window", "start with --noop",
	},
	{"noop", "noop", "no", "free", api.Schedule}: {
		"skipped (condition)", "start with --noop: nothing may be changed", "start with --noop", node.Healthy, "WARNING", "condition", "start with --noop",
	},
	{"disable", "closed", "no", "own", api.Schedule}: {
		"skipped (disabled)", "skip puppet is disabled by anna", "skip puppet is disabled by anna", node.Unknown, "WARNING", "disabled", "skip puppet is disabled",
	},
	{"plain", "none", "none", "own", api.Manual}: {
		"skipped (disabled)", "skip puppet is disabled", "skip puppet is disabled", node.Unknown, "WARNING", "disabled", "skip puppet is disabled",
	},
	{"schedule-only", "closed", "none", "own", api.Schedule}: {
		"skipped (held)", "skip the schedule is held by anna", "skip run ", node.Unknown, "CRITICAL", "held", "skip the schedule",
	},
	{"schedule-only", "none", "none", "free", api.Manual}: {
		"unchanged", "skip the schedule is held", "start", node.Unknown, "CRITICAL", "held", "skip the schedule is held",
	},
	{"none", "closed", "none", "own", api.Schedule}: {
		"skipped (outside_window)", "skip outside the windows", "skip run ", node.Healthy, "OK", "outside_window", "start",
	},
	{"none", "none", "no", "foreign", api.Schedule}: {
		"skipped (locked)", "wait Puppet's own lock", "wait Puppet's own lock", node.Healthy, "OK", "?", "start unless",
	},
	{"none", "closed", "none", "foreign", api.Manual}: {
		"skipped (locked)", "skip outside", "wait Puppet's own lock", node.Healthy, "OK", "outside_window", "start",
	},
	{"corrupt", "none", "none", "free", api.Manual}: {
		"skipped (held)", "skip nobody knows who holds", "skip nobody knows", node.Unknown, "UNKNOWN", "", "skip nobody knows",
	},
}

func (t *trial) compare(w written) {
	s := t.after.status
	run := node.Describe(t.run)
	if t.run.Noop {
		run += " noop"
	}
	t.expect(run == w.run, "by hand: the run is %s", run)
	for _, c := range []struct{ what, is, want string }{
		{"due", string(s.IfDue) + " " + s.IfDueWhy, w.due},
		{"asked for", string(s.IfAsked) + " " + s.IfAskedWhy, w.asked},
		{"next", string(t.next[0].IfDue) + " " + t.next[0].IfDueWhy, w.nextRuns},
	} {
		t.expect(strings.HasPrefix(c.is, c.want), "by hand: %s: %s", c.what, c.is)
		t.expect(strings.Contains(c.want, " ") || c.is == c.want+" ", "by hand: %s: more is said: %s", c.what, c.is)
	}
	t.expect(s.Health == w.health, "by hand: %s", s.Health)
	t.expect(strings.HasPrefix(t.after.check.Line(), "PUPPET "+w.check+" - "), "by hand: %s", t.after.check.Line())
	kept := ""
	for _, r := range []api.Reason{api.Disabled, api.Held, api.OutsideWindow, api.Condition} {
		switch is, known := sample(t.after.metrics, `puppet_cron_kept_off{reason="`+string(r)+`"}`); {
		case !known:
			kept = "?"
		case is:
			kept = string(r)
		}
	}
	t.expect(kept == w.keptOff, "by hand: kept off by %q", kept)
}
