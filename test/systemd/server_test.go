//go:build machine && lab

package systemd

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/test/lab"
)

// The node says by a fact of its own what it wants of the module.
const served = `
node default {
  exec { '/usr/local/bin/work': }
  -> class { 'puppet_cron':
    ensure             => $facts['wanted'] ? { 'absent' => 'absent', default => 'present' },
    package_source     => "puppet:///modules/puppet_cron/puppet-cron_${facts['wanted']}-1_${facts['os']['architecture']}.deb",
    package_ensure     => 'latest',
    schedule_every     => '10s',
    schedule_catch_up  => '3s',
    puppet_environment => '%s',
    check_disabled_days => Integer($facts['wanted'] ? { '0.1.1' => 7, default => 0 }),
  }
}
`

// publish gives the server an environment with our module, the packages as files of it, and that manifest, under a name of this test's own.
func publish(t *testing.T, l *lab.Lab) (environment string) {
	t.Helper()
	environment = fmt.Sprintf("packaged_%d", os.Getpid())
	dir := filepath.Join(l.Root(), "code/environments", environment)
	t.Cleanup(func() { os.RemoveAll(dir) })
	module := os.DirFS("../../packaging/puppet/puppet_cron")
	err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "manifests"), 0o755),
		os.WriteFile(filepath.Join(dir, "manifests/site.pp"), fmt.Appendf(nil, served, environment), 0o644),
		os.CopyFS(filepath.Join(dir, "modules/puppet_cron"), module),
		os.CopyFS(filepath.Join(dir, "modules/puppet_cron/files"), os.DirFS(dist)),
	)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("chmod", "-R", "a+rX", dir).CombinedOutput(); err != nil {
		t.Fatalf("chmod: %v: %s", err, out)
	}
	return environment
}

// Served by a real puppetserver, with Puppet's own service as it is after Debian's package: the run that installs the module's
// package stops the very service that it is a run of.
func TestServerInstallsUpgradesRemoves(t *testing.T) {
	l, err := lab.Start(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Stop(); err != nil {
			t.Error(err)
		}
	}()
	n := bareNode(t, "--bind="+forward(t, l.Port())+":/srv/server")
	n.remove(conffile)
	n.write("/etc/hosts", "127.0.0.1 localhost web1\n")
	n.reaches("/srv/server", 8140)
	n.write("/etc/puppet/puppet.conf", fmt.Sprintf("[main]\ncertname = web%d.auto.test\nserver = localhost\nkeylength = 2048\n[agent]\nenvironment = %s\n", os.Getpid(), publish(t, l)))

	began := time.Now()
	n.want(oldVersion)
	n.MustRun("systemctl", "enable", "--now", "puppet.service")
	n.serves(oldVersion)
	serving := time.Now()
	n.Eventually("the run that stopped its own service has ended well", func() bool {
		summary, err := os.ReadFile(n.Path("/var/cache/puppet/public/last_run_summary.yaml"))
		return err == nil && strings.Contains(string(summary), "failure: 0") && n.property("puppet.service", "ActiveState") == "inactive"
	})
	run := n.nextAfter("")
	all := time.Since(began)
	own := run.Ended.Sub(serving) - time.Duration(run.Usage.WallS*float64(time.Second))
	t.Logf("from nothing to serving %.1f s, to the end of the first run %.1f s; our own part of that, which is waiting for its place, %.1f s",
		serving.Sub(began).Seconds(), all.Seconds(), own.Seconds())
	wantMinute(t, all)
	n.wantConverged(run)
	if state := n.property("puppet.service", "UnitFileState") + " " + n.property("puppet.service", "ActiveState"); state != "disabled inactive" {
		t.Errorf("Puppet's own service is %s", state)
	}
	n.Eventually("the node knows its place", func() bool { return n.schedule().OffsetS != nil })
	offset := *n.schedule().OffsetS

	t.Log("a run of puppet-cron upgrades it, changes its configuration, and notifies the service")
	id := n.hold()
	n.want(newVersion)
	n.release()
	n.outcome(id)
	n.serves(newVersion)
	n.Eventually("the configuration is the new one", func() bool { return strings.Contains(n.MustRun("cat", conffile), "disabled_days: 7") })
	n.wantConverged(n.nextAfter(n.newest()))
	if now := *n.schedule().OffsetS; now != offset {
		t.Errorf("the offset was %g and is %g", offset, now)
	}

	t.Log("a run of puppet-cron removes it, and gives Puppet's own service back")
	n.want("absent")
	n.Eventually("the package is gone", func() bool { return !n.exists("/usr/bin/puppet-cron") })
	n.Eventually("the run is over", func() bool { return n.MustRun("systemctl", "list-units", "--no-legend", "puppet-cron-run@*") == "" })
	if state := n.property("puppet.service", "UnitFileState") + " " + n.property("puppet.service", "ActiveState"); state != "enabled active" {
		t.Errorf("Puppet's own service is %s", state)
	}
	ids, err := n.state().IDs()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		run, err := n.state().Run(id)
		if err != nil || (run.Outcome != api.Changed && run.Outcome != api.Skipped) {
			t.Errorf("run %s: %+v, %v", id, run, err)
		}
	}
	t.Logf("%d runs, each with its outcome", len(ids))
	n.wantNoFailedUnit()
}

// want sets the fact by which the server knows what the node is to have.
func (n *node) want(version string) {
	n.t.Helper()
	n.write("/etc/facter/facts.d/wanted.txt", "wanted="+version+"\n")
}

// wantConverged: of each run the one resource that always changes has changed, and nothing else.
func (n *node) wantConverged(run *api.Run) {
	n.t.Helper()
	if run.Outcome != api.Changed || run.Resources.Changed != 1 || run.Catalog.Source != "server" {
		n.t.Errorf("run %s is not converged: %s %s %+v", run.ID, run.Outcome, run.Message, run.Failures)
	}
}
