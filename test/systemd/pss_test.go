//go:build machine

package systemd

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// What waits for the next run, side by side on one booted system: ours, Debian's cron, and Puppet's own daemon. The proportional
// share counts what several processes share once.
func TestMemoryBesideOthers(t *testing.T) {
	n := installed(t)
	n.nextAfter("")
	n.write("/etc/hosts", "127.0.0.1 localhost web1\n")
	n.MustRun("puppet", "agent", "--daemonize", "--server", "localhost", "--runinterval", "1d")
	n.Eventually("Puppet's daemon waits", func() bool { return n.exists("/run/puppet/agent.pid") })
	daemon := strings.TrimSpace(n.MustRun("cat", "/run/puppet/agent.pid"))
	ours, cron, puppet := n.pss(n.pid()), n.pss(n.property("cron.service", "MainPID")), n.pss(daemon)
	t.Logf("Pss: puppet-cron %.1f MiB, Debian's cron %.1f MiB, puppet agent --daemonize %.1f MiB", ours, cron, puppet)
	if ours > 12 || ours > puppet/4 {
		t.Errorf("puppet-cron has %.1f MiB; want at most 12 and a quarter of Puppet's own daemon, %.1f", ours, puppet/4)
	}
}

// pss is a process' share of the memory, in MiB.
func (n *node) pss(pid string) float64 {
	n.t.Helper()
	text, err := os.ReadFile(n.Path("/proc/" + pid + "/smaps_rollup"))
	if err != nil {
		n.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "Pss:" {
			kib, err := strconv.ParseFloat(words[1], 64)
			if err != nil {
				n.t.Fatal(err)
			}
			return kib / 1024
		}
	}
	n.t.Fatalf("no Pss in\n%s", text)
	return 0
}
