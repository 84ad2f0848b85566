//go:build machine

package systemd

import (
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
)

const (
	memory = 400 << 20 // bytes; Puppet takes a quarter of it

	// Both double a string until there is no more room, so whoever does it is by far the biggest process.
	commandDevours = "-> exec { '/usr/bin/ruby -e \"x = %q{x}; loop { x += x }\"': }\n"
	puppetDevours  = "$x = Integer[1, 40].reduce('x') |$x, $i| { \"${x}${x}\" }\n"
)

// The kernel kills whoever takes all the memory. The run tells the truth of it, and the next one is fine.
func TestOutOfMemory(t *testing.T) {
	n := serving(t)
	n.LimitMemory(memory)
	last := n.nextAfter("")
	serve := n.pid()
	for _, c := range []struct {
		victim  string
		site    string
		outcome api.Outcome
		reason  api.Reason
	}{
		{"a command that puppet executes", site + commandDevours, api.Failed, ""},
		{"puppet", puppetDevours + site, api.Interrupted, api.OOM},
	} {
		before := n.OOMKills()
		n.write("/etc/puppet-cron/site.pp", c.site)
		last = n.nextBut(last, api.Changed) // one may have begun with the old file
		if last.Outcome != c.outcome || last.Reason != c.reason || n.OOMKills() != before+1 {
			t.Errorf("%s: %s/%s (%s), %d killed; want %s/%s and one", c.victim, last.Outcome, last.Reason, last.Message,
				n.OOMKills()-before, c.outcome, c.reason)
		}
		t.Logf("%s was killed: %s/%s: %s", c.victim, last.Outcome, last.Reason, last.Message)
		n.write("/etc/puppet-cron/site.pp", site)
		n.endedWell(last.ID)
		last = n.nextBut(last, c.outcome)
		n.wantOutcome(last.ID, api.Changed, "")
	}
	if n.pid() != serve {
		t.Error("the service did not go on")
	}
	n.history()
}
