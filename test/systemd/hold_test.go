//go:build machine

package systemd

import (
	"strings"
	"testing"
	"time"
)

// Without any run, the service that is locked in has Puppet's disable file put back, and lifted at the end of the hold,
// which comes after a reboot too. It leaves neither records nor failed units.
func TestHold(t *testing.T) {
	n := newNode(t)
	n.configure("schedule: {every: 24h, catch_up: 0s}\n")
	n.MustRun("puppet-cron", "service", "install")
	n.MustRun("puppet-cron", "service", "start")
	file := strings.TrimSpace(n.MustRun("puppet", "config", "print", "agent_disabled_lockfile", "--section", "agent"))

	n.MustRun("puppet-cron", "disable", "--reason", "ticket 42", "--for", "100s")
	end := time.Now().Add(100 * time.Second)
	if !n.exists(file) {
		t.Fatalf("there is no %s", file)
	}
	contains(t, "status", n.MustRun("sh", "-c", "puppet-cron status --banner"), "ticket 42")
	n.MustRun("puppet", "agent", "--enable")
	began := time.Now()
	n.Eventually("the file is back", func() bool { return n.exists(file) })
	t.Logf("put back after %s", time.Since(began).Round(time.Second))

	n.PowerCut()
	if !n.exists(file) {
		t.Error("the hold did not outlive a power cut")
	}
	time.Sleep(time.Until(end))
	n.Eventually("the file is gone", func() bool { return !n.exists(file) })
	t.Logf("lifted %s after the end", time.Since(end).Round(time.Second))

	n.Eventually("nothing is left of the requests", func() bool {
		ids, err := n.state().IDs()
		return err == nil && len(ids) == 0
	})
	contains(t, "failed units", n.MustRun("systemctl", "list-units", "--failed", "--no-legend")+".", ".")
	contains(t, "status", n.MustRun("sh", "-c", "puppet-cron status --banner")+".", ".")
}
