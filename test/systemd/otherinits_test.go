//go:build machine

package systemd

import (
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/test/machine"
)

// Where no systemd is: how the service gets there, and who looks after it. Debian's own `service` marks each of OpenRC's scripts
// as stopped before it calls it, which then has nothing to stop.
var otherInits = []struct {
	name       string
	init       machine.Init
	control    string // what people call
	supervised bool   // it is started again when it dies
	install    func(n *node)
	remove     func(n *node)
}{
	{"sysvinit, by the deb", machine.SysVInit, "service", false, (*node).installDeb, (*node).purgeDeb},
	{"openrc, by the deb", machine.OpenRC, "service", false, (*node).installDeb, (*node).purgeDeb},
	{"sysvinit, by service install", machine.SysVInit, "service", false, (*node).installByHand, (*node).uninstallByHand},
	{"openrc, by service install", machine.OpenRC, "rc-service", true, (*node).installByHand, (*node).uninstallByHand},
}

func (n *node) installDeb() { n.dpkgInstall(packageFile("puppet-cron", oldVersion)) }

func (n *node) purgeDeb() {
	n.MustRun("dpkg", "--purge", "puppet-cron")
	n.Eventually("the state is gone", func() bool { return !n.exists(stateDir) })
}

func (n *node) installByHand() {
	n.CopyIn(program, "/usr/bin/puppet-cron", 0o755)
	n.MustRun("puppet-cron", "service", "install")
	n.MustRun("puppet-cron", "service", "start")
}

func (n *node) uninstallByHand() { n.MustRun("puppet-cron", "service", "uninstall") }

// The scripts on real trees with these inits: whatever they do with the service, a run is not harmed, and a boot starts it.
func TestOtherInits(t *testing.T) {
	for _, c := range otherInits {
		t.Run(c.name, func(t *testing.T) {
			n := bareNodeWith(t, c.init)
			n.configure(schedule)
			c.install(n)
			n.awaitScript(c.control, "serves")
			n.nextAfter("")
			for _, d := range []struct {
				name string
				do   func()
			}{
				{"restart", func() { n.MustRun(c.control, "puppet-cron", "restart") }},
				{"reload", func() { n.MustRun(c.control, "puppet-cron", "reload") }},
				{"upgrade", func() {
					n.CopyIn(upgrade, "/usr/bin/puppet-cron", 0o755)
					n.MustRun(c.control, "puppet-cron", "restart")
					n.Eventually("the upgrade serves", func() bool {
						s, err := n.state().Schedule()
						return err == nil && strings.HasPrefix(s.Version, newVersion)
					})
				}},
				{"kill -9", func() { n.killServe(c.control, c.supervised) }},
				{"stop and start", func() {
					n.MustRun(c.control, "puppet-cron", "stop")
					n.MustRun(c.control, "puppet-cron", "start")
				}},
			} {
				id := n.hold()
				d.do()
				n.awaitScript(c.control, "serves after "+d.name)
				n.release()
				n.wantOutcome(id, api.Changed, "")
			}
			n.Reboot()
			n.awaitScript(c.control, "serves after a boot")
			last := n.nextAfter(n.newest())
			if last.Outcome != api.Changed {
				t.Errorf("after the boot: %s %s", last.Outcome, last.Message)
			}

			id := n.hold()
			n.MustRun(c.control, "puppet-cron", "stop")
			n.release()
			n.wantOutcome(id, api.Changed, "")
			n.alone()
			c.remove(n)
			if left := n.MustRun("sh", "-c", "find /etc/init.d /etc/rc?.d /etc/runlevels /run /var/run -name '*puppet-cron*' 2>/dev/null || true"); left != "" {
				t.Errorf("left behind:\n%s", left)
			}
		})
	}
}

// awaitScript waits until the script's own status is well, and the service has written its schedule.
func (n *node) awaitScript(control, what string) {
	n.t.Helper()
	n.Eventually(what, func() bool {
		_, err := n.Run(control, "puppet-cron", "status")
		return err == nil && n.exists(stateDir+"/schedule.json")
	})
}

// A supervisor that was killed leaves its service behind; the script finds that all the same, and no run ends with it.
func TestOpenRCSupervisorKilled(t *testing.T) {
	n := bareNodeWith(t, machine.OpenRC)
	n.configure(schedule)
	n.installByHand()
	n.awaitScript("rc-service", "serves")
	id, orphan := n.hold(), n.serve()
	n.MustRun("pkill", "-KILL", "supervise-daemo")
	n.CopyIn(upgrade, "/usr/bin/puppet-cron", 0o755)
	n.MustRun("rc-service", "puppet-cron", "restart")
	n.Eventually("the new version alone serves", func() bool {
		s, err := n.state().Schedule()
		now := n.serve()
		return err == nil && strings.HasPrefix(s.Version, newVersion) && now != "" && now != orphan && !strings.Contains(now, "\n")
	})
	n.MustRun("rc-service", "puppet-cron", "stop")
	if left := n.serve(); left != "" {
		t.Errorf("stopped, process %s serves still", left)
	}
	n.release()
	n.wantOutcome(id, api.Changed, "")
}

// killServe kills the service. One that is supervised is back by itself; of the other the script's status says that it died.
func (n *node) killServe(control string, supervised bool) {
	n.t.Helper()
	pid := n.serve()
	n.MustRun("kill", "-KILL", pid)
	if !supervised {
		said, err := n.Run("sh", "-c", control+" puppet-cron status 2>&1")
		if err == nil || !strings.Contains(said, "it died") {
			n.t.Errorf("status of a service that was killed: %v\n%s", err, said)
		}
		n.MustRun(control, "puppet-cron", "start")
	}
	n.Eventually("another process serves", func() bool { now := n.serve(); return now != "" && now != pid })
}

// serve is the process that serves, by what the machine has running; two are two lines.
func (n *node) serve() string {
	n.t.Helper()
	out, _ := n.Run("pgrep", "--full", "^/usr/bin/puppet-cron serve") // which fails when there is none
	return strings.TrimSpace(out)
}

// newest is the run that was asked for last.
func (n *node) newest() string {
	n.t.Helper()
	ids, err := n.state().IDs()
	if err != nil || len(ids) == 0 {
		n.t.Fatalf("runs: %v, %v", ids, err)
	}
	return ids[0]
}
