//go:build machine

package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
)

// A run whose catalog upgrades Puppet itself ends undisturbed, by the Puppet that began it.
func TestCatalogUpgradesPuppet(t *testing.T) {
	n := installed(t)
	n.CopyIn(newerPuppet(t), "/srv/puppet-agent.deb", 0o644)
	n.wantCatalog("package { 'puppet-agent': ensure => latest, provider => dpkg, source => '/srv/puppet-agent.deb' }\n", 2)
	contains(t, "puppet-agent", n.MustRun("dpkg-query", "--show", "--showformat=${Version}", "puppet-agent"), newerVersion)
}

const newerVersion = "99.0.0-1"

// newerPuppet is Debian's own package under a higher version.
func newerPuppet(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if os.Geteuid() == 0 { // apt fetches as a user of its own, who must get at the folder
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	get := exec.Command("apt-get", "download", "puppet-agent")
	get.Dir = dir
	if out, err := get.CombinedOutput(); err != nil {
		t.Fatalf("apt-get download puppet-agent: %v: %s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "puppet-agent_*.deb"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	return rewritten(t, files[0], newerVersion, func(string) {})
}

// So does one whose catalog has systemd execute itself anew.
func TestCatalogReexecutesSystemd(t *testing.T) {
	n := installed(t)
	n.wantCatalog("exec { '/usr/bin/systemctl daemon-reexec': }\n", 2)
}

// wantCatalog has a run apply something more, wants its outcome, and the schedule to go on as before.
func (n *node) wantCatalog(more string, changed int) {
	n.t.Helper()
	n.nextAfter("")
	n.Eventually("the node knows its place", func() bool { return n.schedule().OffsetS != nil })
	serve, offset := n.pid(), *n.schedule().OffsetS
	n.write("/etc/puppet-cron/site.pp", site+more)
	id := n.hold()
	n.write("/etc/puppet-cron/site.pp", site)
	n.release()
	run := n.outcome(id)
	if run.Outcome != api.Changed || run.Resources.Changed != changed {
		n.t.Errorf("%s: %s %+v", run.Outcome, run.Message, run.Failures)
	}
	n.nextAfter(id)
	if n.pid() != serve || *n.schedule().OffsetS != offset {
		n.t.Error("the service is not the one before, at its place")
	}
	n.endedWell(id)
	if bad := interrupted(n.history()); bad != nil {
		n.t.Error(bad)
	}
}

// A run may remove the package that has begun it: it ends, is recorded and reported, and then puppet-cron is gone. A daemon
// that the run has started lives on, although systemd no longer knows how its unit ends.
func TestCatalogRemovesPuppetCron(t *testing.T) {
	n := bareNode(t)
	n.startCollector()
	n.configure(schedule + collected)
	n.dpkgInstall(packageFile("puppet-cron", oldVersion))
	first := n.nextAfter("")
	n.write("/etc/puppet-cron/site.pp", site+`
package { 'puppet-cron': ensure => absent, provider => dpkg, require => Exec['/usr/local/bin/work'] }
-> exec { '/usr/bin/systemctl daemon-reload': }
-> exec { '/usr/bin/sh -c "setsid sleep 1000 >/dev/null 2>&1 </dev/null &"': }
-> exec { '/usr/bin/touch /srv/after': }
`)
	id := n.hold()
	n.release()
	run := n.outcome(id)
	if run.Outcome != api.Changed || run.Resources.Changed != 5 || !n.exists("/srv/after") {
		t.Errorf("%s: %s %+v", run.Outcome, run.Message, run.Failures)
	}
	n.Eventually("the run's unit is gone", func() bool { return n.MustRun("systemctl", "list-units", "--no-legend", "puppet-cron-run@*") == "" })
	if n.exists("/usr/bin/puppet-cron") || n.exists("/usr/lib/systemd/system/puppet-cron.service") {
		t.Error("the package is not removed")
	}
	contains(t, "the daemon", n.MustRun("ps", "-e", "-o", "args="), "sleep 1000")
	n.wantNoFailedUnit()
	text, err := n.ask("/v1/runs?limit=500")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{first.ID, id} {
		if strings.Count(text, `"id":"`+id+`"`) != 1 {
			t.Errorf("the collector does not have run %s once:\n%s", id, text)
		}
	}
}

// A run may reboot the node: it is recorded as what it was, and the schedule goes on after the boot.
func TestCatalogReboots(t *testing.T) {
	n := installed(t)
	n.nextAfter("")
	n.Eventually("the node knows its place", func() bool { return n.schedule().OffsetS != nil })
	offset := *n.schedule().OffsetS
	// As puppetlabs-reboot does: when Puppet has ended, or after a while all the same.
	n.write("/etc/puppet-cron/site.pp", site+`
exec { '/usr/bin/sh -c "setsid sh -c \"while pidof -x puppet >/dev/null; do sleep 0.1; done; systemctl reboot\" >/dev/null 2>&1 </dev/null &"':
  require => Exec['/usr/local/bin/work'] }
`)
	id := n.hold()
	n.write("/etc/puppet-cron/site.pp", site)
	n.release()
	n.AwaitBoot()
	n.wantOutcome(id, api.Changed, "")
	run := n.nextAfter(id)
	if run.Outcome != api.Changed || *n.schedule().OffsetS != offset {
		t.Errorf("after the boot: %s, offset %v; want changed and %g", run.Outcome, n.schedule().OffsetS, offset)
	}
	t.Logf("after the boot: %s (%s)", run.Outcome, run.Trigger)
	n.history()
}
