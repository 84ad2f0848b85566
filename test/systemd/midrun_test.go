//go:build machine

package systemd

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// disturbances are what happens to a service that works. After each it is ready again.
var disturbances = []struct {
	name string
	do   func(n *node)
}{
	{"restart", func(n *node) { n.MustRun("systemctl", "restart", serveUnit) }},
	{"kill -9", func(n *node) {
		before := n.pid()
		n.MustRun("systemctl", "kill", "-s", "KILL", serveUnit)
		n.running(before)
	}},
	{"upgrade", func(n *node) {
		n.CopyIn(upgrade, "/usr/bin/puppet-cron", 0o755)
		n.MustRun("systemctl", "restart", serveUnit)
		n.Eventually("the upgrade serves", func() bool { return strings.HasPrefix(n.schedule().Version, "0.1.1") })
	}},
	{"reinstall", func(n *node) {
		for _, action := range []string{"stop", "uninstall", "install", "start"} {
			n.MustRun("puppet-cron", "service", action)
		}
	}},
	{"daemon-reexec", func(n *node) { n.MustRun("systemctl", "daemon-reexec") }},
	{"reload", func(n *node) { n.MustRun("systemctl", "reload", serveUnit) }},
	{"downgrade", func(n *node) {
		n.CopyIn(program, "/usr/bin/puppet-cron", 0o755)
		n.MustRun("systemctl", "restart", serveUnit)
		n.Eventually("the older one serves", func() bool { return strings.HasPrefix(n.schedule().Version, "0.1.0") })
	}},
}

// Whatever happens to the service, no run is harmed and the schedule does not move.
func TestDisturbed(t *testing.T) {
	rounds := len(disturbances)
	if os.Getenv("SOAK") == "full" {
		rounds = 20
	}
	n := serving(t)
	first := n.nextAfter("")
	n.Eventually("the node knows its place", func() bool { return n.schedule().OffsetS != nil })
	offset := *n.schedule().OffsetS
	ids := map[string]bool{}
	for i := range rounds {
		d := disturbances[i%len(disturbances)]
		id := n.hold()
		began := time.Now()
		d.do(n)
		n.running("")
		n.release()
		n.wantOutcome(id, api.Changed, "")
		t.Logf("%-14s %5d ms; run %s changed", d.name, time.Since(began).Milliseconds(), id)
		ids[id] = true
		if o := n.schedule().OffsetS; o == nil || *o != offset {
			t.Errorf("%s: the offset was %g, now %v", d.name, offset, o)
		}
	}
	n.nextAfter(first.ID)
	runs := n.history()
	if bad := interrupted(runs); bad != nil || len(ids) != rounds {
		t.Errorf("%d disturbances: %d outcomes, %q", rounds, len(ids), bad)
	}
	t.Logf("%d disturbances: %d outcomes, none interrupted", rounds, len(ids))
}

// A run goes on to its end without its service, and what it missed is one run.
func TestStopped(t *testing.T) {
	n := serving(t)
	id := n.hold()
	began := time.Now()
	n.MustRun("systemctl", "stop", serveUnit)
	t.Logf("stop took %d ms", time.Since(began).Milliseconds())
	before, err := n.state().IDs() // on a busy host a second run may have found the first one still going on
	if err != nil {
		t.Fatal(err)
	}
	n.release()
	n.wantOutcome(id, api.Changed, "")
	time.Sleep(2*interval + interval/2)
	if ids, _ := n.state().IDs(); len(ids) != len(before) {
		t.Errorf("run %s came without a service", ids[0])
	}
	n.MustRun("systemctl", "start", serveUnit)
	run := n.nextAfter(id)
	if run.Outcome != api.Changed || run.Schedule.MissedSlots < 1 {
		t.Errorf("after a stop: %s (%s), missed %d", run.Outcome, run.Trigger, run.Schedule.MissedSlots)
	}
	t.Logf("after %s away: %s, missed %d", 5*interval/2, run.Trigger, run.Schedule.MissedSlots)
	n.history()
}

func TestReload(t *testing.T) {
	n := serving(t)
	n.nextAfter("")
	n.Eventually("the node knows its place", func() bool { return n.schedule().OffsetS != nil })
	id := n.hold()
	serve, offset := n.pid(), *n.schedule().OffsetS

	n.write("/etc/puppet-cron/puppet-cron.yaml", "schedule: {every: nonsense}\n")
	n.MustRun("systemctl", "reload", serveUnit)
	n.Eventually("status says why", func() bool { return strings.Contains(n.schedule().ConfigError, "nonsense") })
	t.Logf("config_error: %s", n.schedule().ConfigError)
	if s := n.schedule(); s.IntervalS != 10 || *s.OffsetS != offset {
		t.Errorf("a bad file: interval %g, offset %g", s.IntervalS, *s.OffsetS)
	}
	n.release()
	n.wantOutcome(id, api.Changed, "")

	// A run must read the file itself. It cannot, and that is an outcome.
	bad := n.nextAfter(id)
	if bad.Outcome != api.Errored || !strings.Contains(bad.Message, "nonsense") {
		t.Errorf("a run with a bad file: %s/%s", bad.Outcome, bad.Reason)
	}
	t.Logf("a run with a bad file: %s/%s: %s", bad.Outcome, bad.Reason, bad.Message)

	n.configure("schedule: {every: 20s, catch_up: 3s}\n")
	n.MustRun("systemctl", "reload", serveUnit)
	n.Eventually("the new schedule holds", func() bool { s := n.schedule(); return s.ConfigError == "" && s.IntervalS == 20 })
	if o := *n.schedule().OffsetS; o != 2*offset {
		t.Errorf("offset %g of 10 s is %g of 20 s", offset, o)
	}
	n.configure(schedule)
	n.MustRun("systemctl", "reload", serveUnit)
	n.Eventually("the old schedule holds", func() bool { return n.schedule().IntervalS == 10 })
	if o := *n.schedule().OffsetS; o != offset {
		t.Errorf("offset was %g and is %g", offset, o)
	}
	n.nextAfter(bad.ID)
	if n.pid() != serve {
		t.Error("the service is another process")
	}
	contains(t, "active", n.property(serveUnit, "ActiveState"), "active")
}

// A run that the end of the machine cut off is told as such, and the node runs again soon.
func TestRebooted(t *testing.T) {
	n := serving(t)
	for _, c := range []struct {
		name   string
		again  func()
		reason api.Reason
	}{
		{"reboot", n.Reboot, api.ByShutdown},
		{"power cut", n.PowerCut, api.PowerLoss},
	} {
		id := n.hold()
		before := n.MustRun("cat", "/proc/sys/kernel/random/boot_id")
		began := time.Now()
		c.again()
		up := time.Now()
		if n.MustRun("cat", "/proc/sys/kernel/random/boot_id") == before {
			t.Errorf("%s: no new boot", c.name)
		}
		run := n.outcome(id)
		if run.Outcome != api.Interrupted || run.Reason != c.reason {
			t.Errorf("%s: %s/%s (%s); want interrupted/%s", c.name, run.Outcome, run.Reason, run.Message, c.reason)
		}
		t.Logf("%s: %s/%s: %s", c.name, run.Outcome, run.Reason, run.Message)
		next := n.nextAfter(id)
		for next.Outcome != api.Changed && next.ID != id {
			next = n.nextAfter(next.ID)
		}
		t.Logf("%s: down for %d ms, the next run (%s) began %.1f s after the boot", c.name, up.Sub(began).Milliseconds(),
			next.Trigger, next.Started.Sub(up).Seconds())
		if soon := next.Started.Sub(up); soon > interval {
			t.Errorf("%s: the next run began after %s", c.name, soon)
		}
		n.write("/var/log/work", "") // what was cut off has no end in it
	}
	n.history()
}

// A run that no unit of its own looks after, such as cron's, is told to stop at the very end of a shutdown, when there is no
// systemd any more to say why.
func TestRebootedUnderCron(t *testing.T) {
	n := newNode(t)
	n.write("/run/hold", "")
	n.MustRun("systemd-run", "--unit=cron-daemon", "--property=KillMode=process", "--property=SendSIGKILL=no",
		"sh", "-c", "puppet-cron run & exec sleep infinity")
	id := n.hold()
	n.Reboot()
	n.wantOutcome(id, api.Interrupted, api.ByShutdown)
}
