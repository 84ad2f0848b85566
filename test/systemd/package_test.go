//go:build machine

package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/state"
)

const conffile = "/etc/puppet-cron/puppet-cron.yaml"

// packageFile is where a machine finds a package.
func packageFile(name, version string) string {
	return filepath.Join("/srv/dist", filepath.Base(deb(name, version, dist)))
}

// dpkgInstall installs or upgrades by dpkg, which asks nobody, and returns what it said.
func (n *node) dpkgInstall(file string) string {
	n.t.Helper()
	said, err := n.dpkgTry(file)
	if err != nil {
		n.t.Fatalf("dpkg -i %s: %v\n%s", file, err, said)
	}
	return said
}

func (n *node) dpkgTry(file string) (said string, err error) {
	return n.Run("sh", "-c", "DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold -i "+file+" 2>&1")
}

// installed is one with the service as its package installs and starts it.
func installed(t *testing.T, options ...string) *node {
	t.Helper()
	n := bareNode(t, options...)
	n.configure(schedule)
	n.dpkgInstall(packageFile("puppet-cron", oldVersion))
	n.running("0")
	return n
}

func (n *node) serves(version string) {
	n.t.Helper()
	n.Eventually(version+" serves", func() bool {
		s, err := n.state().Schedule()
		return err == nil && strings.HasPrefix(s.Version, version) && n.property(serveUnit, "ActiveState") == "active"
	})
}

func (n *node) wantNoFailedUnit() {
	n.t.Helper()
	if failed := n.MustRun("systemctl", "list-units", "--failed", "--no-legend"); failed != "" {
		n.t.Errorf("failed units: %s", failed)
	}
}

// files are those of the machine's disk, but for what every package leaves in dpkg's and rpm's own records, logs and caches.
func (n *node) files() (all []string) {
	n.t.Helper()
	out := n.MustRun("find", "/", "-xdev", "(",
		"-path", "/var/lib/dpkg", "-o", "-path", "/var/lib/rpm", "-o", "-path", "/var/log", "-o", "-path", "/var/cache", "-o",
		"-path", "/root", "-o", "-path", "/tmp", "-o", "-path", "/var/tmp", "-o", "-path", "/srv", ")", "-prune", "-o", "-print")
	for line := range strings.Lines(out) {
		all = append(all, strings.TrimSpace(line))
	}
	slices.Sort(all)
	return all
}

// wantNothingLeft compares the disk with what it was.
func (n *node) wantNothingLeft(before []string) {
	n.t.Helper()
	var left []string
	for _, file := range n.files() {
		if _, was := slices.BinarySearch(before, file); !was {
			left = append(left, file)
		}
	}
	if left != nil {
		n.t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
	}
}

// rewritten is a package of another version, with something changed in it: what a version does that is yet to come.
func rewritten(t *testing.T, file, version string, change func(tree string)) (made string) {
	t.Helper()
	tree := filepath.Join(t.TempDir(), "tree")
	run := func(args ...string) {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	run("dpkg-deb", "--raw-extract", file, tree)
	run("sed", "-i", "s/^Version: .*/Version: "+version+"/", filepath.Join(tree, "DEBIAN/control"))
	change(tree)
	made = filepath.Join(t.TempDir(), "rewritten.deb")
	run("dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", tree, made)
	return made
}

// From the first install to the purge, on a booted system: what the admin has decided stays, and in the end nothing does.
func TestDeb(t *testing.T) {
	n := bareNode(t)
	n.remove(conffile)
	n.MustRun("puppet", "apply", "--execute", "") // makes folders of its own, the first time
	before := n.files()
	said := n.dpkgInstall(packageFile("puppet-cron", oldVersion))
	n.running("0")
	contains(t, "enabled", n.MustRun("systemctl", "is-enabled", serveUnit), "enabled")
	n.serves(oldVersion)
	if strings.Contains(said, "puppet-cron:") {
		t.Errorf("a plain install had something to say:\n%s", said)
	}
	contains(t, "man page", n.MustRun("sh", "-c", "zcat /usr/share/man/man1/puppet-cron.1.gz"), "run Puppet")
	n.MustRun("puppet-cron", "config", "check")
	n.refused("a package has installed the service", "puppet-cron", "service", "install")

	t.Log("an edited configuration is kept, although the new version's is another one")
	n.configure(schedule)
	n.MustRun("systemctl", "reload", serveUnit)
	run := n.nextAfter("")
	n.Eventually("the node knows its place", func() bool { return n.schedule().OffsetS != nil })
	offset := *n.schedule().OffsetS
	other := rewritten(t, deb("puppet-cron", newVersion, dist), newVersion+"-1", func(tree string) {
		if err := os.WriteFile(filepath.Join(tree, conffile), []byte("# of the next version\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	})
	n.CopyIn(other, "/srv/other.deb", 0o644)
	n.dpkgInstall("/srv/other.deb")
	n.serves(newVersion)
	contains(t, "the configuration", n.MustRun("cat", conffile), schedule)
	if now := *n.schedule().OffsetS; now != offset {
		t.Errorf("the offset was %g and is %g", offset, now)
	}
	n.nextAfter(run.ID)
	n.remove(conffile + ".dpkg-dist")

	t.Log("a disabled service stays disabled")
	n.MustRun("systemctl", "disable", "--now", serveUnit)
	n.dpkgInstall(packageFile("puppet-cron", oldVersion)) // a downgrade, too
	n.dpkgInstall(packageFile("puppet-cron", newVersion))
	if state := n.property(serveUnit, "UnitFileState") + " " + n.property(serveUnit, "ActiveState"); state != "disabled inactive" {
		t.Errorf("a disabled service is %s after an upgrade", state)
	}
	n.MustRun("systemctl", "enable", "--now", serveUnit)
	n.dpkgInstall(packageFile("puppet-cron", oldVersion))
	n.serves(oldVersion)
	n.wantNoFailedUnit()

	t.Log("removed, it leaves its configuration and its state; purged, nothing")
	n.MustRun("dpkg", "--remove", "puppet-cron")
	if !n.exists(conffile) || !n.exists(stateDir+"/runs") || n.exists("/usr/bin/puppet-cron") {
		t.Error("what is left of a removed package is not its configuration and its state")
	}
	n.wantNoFailedUnit()
	n.dpkgInstall(packageFile("puppet-cron", newVersion))
	n.serves(newVersion)
	n.Eventually("no run goes on", func() bool { return n.MustRun("systemctl", "list-units", "--no-legend", "puppet-cron-run@*") == "" })
	n.MustRun("systemctl", "stop", serveUnit)
	n.MustRun("dpkg", "--purge", "puppet-cron")
	n.remove("/etc/puppet-cron/site.pp") // the test's own
	n.remove("/etc/puppet-cron")
	n.remove("/etc/written-by-run")
	n.wantNothingLeft(before)
	n.wantNoFailedUnit()
}

// A unit that was made by hand hides the package's: that is said, and what is said mends it.
func TestPackageOverServiceInstall(t *testing.T) {
	n := serving(t)
	id := n.hold()
	said := n.dpkgInstall(packageFile("puppet-cron", newVersion))
	contains(t, "what is said", said, "hides the unit of this package")
	n.MustRun("sh", "-c", "puppet-cron service uninstall && systemctl enable --now puppet-cron")
	n.release()
	n.wantOutcome(id, api.Changed, "")
	n.serves(newVersion)
	contains(t, "the unit", n.property(serveUnit, "FragmentPath"), "/lib/systemd/system/puppet-cron.service")
	n.nextAfter(id)
	if bad := interrupted(n.history()); bad != nil {
		t.Error(bad)
	}
}

// An older version refuses a state that it would not understand before it changes anything.
func TestRefusedDowngrade(t *testing.T) {
	n := installed(t)
	n.nextAfter("")
	n.dpkgInstall(packageFile("puppet-cron", newVersion))
	n.serves(newVersion)
	n.MustRun("systemctl", "stop", serveUnit)
	n.MustRun("sed", "-i", `s/"schema": *1/"schema": 2/`, stateDir+"/schedule.json") // as a version to come would write it
	for _, c := range []struct{ kind, command string }{
		{"deb", "dpkg -i " + packageFile("puppet-cron", oldVersion)},
		{"rpm", "rpm -i --nodeps --replacefiles " + rpmFile("puppet-cron", oldVersion)},
	} {
		said, err := n.Run("sh", "-c", c.command+" 2>&1")
		if err == nil || !strings.Contains(said, "written by a newer version ("+stateDir+"/schedule.json has schema 2, this version knows 1): keep that version") {
			t.Errorf("%s: a downgrade to an older schema: %v\n%s", c.kind, err, said)
		}
	}
	contains(t, "dpkg", n.MustRun("dpkg-query", "--show", "--showformat=${Version} ${db:Status-Status}", "puppet-cron"), newVersion+"-1 installed")
	if audit := n.MustRun("dpkg", "--audit"); audit != "" {
		t.Errorf("dpkg is not consistent:\n%s", audit)
	}
}

// A configuration that the new version does not take does not cost the node its service.
func TestUpgradeOfABadConfiguration(t *testing.T) {
	n := installed(t)
	n.nextAfter("")
	serve := n.pid()
	n.write(conffile, "schedule: {evry: 10s}\n")
	said := n.dpkgInstall(packageFile("puppet-cron", newVersion))
	contains(t, "what is said", said, "the service was not restarted: call `puppet-cron config check`")
	if n.pid() != serve || n.property(serveUnit, "ActiveState") != "active" {
		t.Errorf("the service was restarted into a configuration that it does not take:\n%s", n.Journal(serveUnit))
	}
	last, err := n.state().Last(state.LastRun)
	if err != nil {
		t.Fatal(err)
	}
	if run := n.nextBut(last, api.Changed); run.Outcome != api.Errored {
		t.Errorf("a run with that configuration: %s/%s %s", run.Outcome, run.Reason, run.Message)
	}
	n.configure(schedule)
	n.MustRun("systemctl", "restart", serveUnit)
	n.serves(newVersion)
	n.wantNoFailedUnit()
}

// A package that finds no systemd, no Puppet or a /usr that cannot be written says so, and dpkg stays consistent.
func TestInstalledWhereItCannotServe(t *testing.T) {
	n := bareNode(t)
	file := packageFile("puppet-cron", oldVersion)
	// In a namespace of its own, so that what is mounted is gone afterwards.
	dpkgAfter := func(mount string) (said string, err error) {
		return n.Run("unshare", "--mount", "sh", "-c", mount+" && dpkg -i "+file+" 2>&1")
	}
	said, err := dpkgAfter("mount --bind /usr /usr && mount -o remount,bind,ro /usr")
	if err == nil || !strings.Contains(said, "puppet-cron: /usr is read-only: mount it for writing (mount -o remount,rw /usr)") {
		t.Errorf("a read-only /usr: %v\n%s", err, said)
	}
	if audit := n.MustRun("dpkg", "--audit"); audit != "" {
		t.Errorf("dpkg is not consistent:\n%s", audit)
	}

	n.MustRun("mv", "/usr/bin/puppet", "/usr/bin/puppet.away")
	said = n.dpkgInstall(file)
	contains(t, "no Puppet", said, "there is no Puppet here yet")
	n.running("0")
	n.MustRun("mv", "/usr/bin/puppet.away", "/usr/bin/puppet")
	n.MustRun("dpkg", "--purge", "puppet-cron")

	// A chroot without a service manager, as an image is made in.
	said, err = dpkgAfter("mount -t tmpfs none /run/systemd")
	if err != nil || !strings.Contains(said, "puppet-cron: no systemd runs here") {
		t.Errorf("no systemd: %v\n%s", err, said)
	}
	t.Logf("no systemd: %s", said)
	contains(t, "dpkg", n.MustRun("dpkg-query", "--show", "--showformat=${db:Status-Status}", "puppet-cron"), "installed")
	contains(t, "enabled for the next boot", n.MustRun("systemctl", "is-enabled", serveUnit), "enabled")
	n.Reboot()
	n.serves(oldVersion)
}

// A run that goes on when its package is purged is recorded before the state goes.
func TestPurgedInARun(t *testing.T) {
	n := installed(t)
	id := n.hold()
	n.MustRun("dpkg", "--purge", "puppet-cron")
	if !n.exists(stateDir + "/run.lock") {
		t.Fatal("the state went while a run needs it")
	}
	n.release()
	n.Eventually("the state is gone", func() bool { return !n.exists(stateDir) })
	n.Eventually("the work was done to its end", func() bool {
		log, err := os.ReadFile(n.Path("/var/log/work"))
		return err == nil && strings.Count(string(log), "begin") == strings.Count(string(log), "end")
	})
	contains(t, "the run", n.Journal(runUnit(id)), "Deactivated successfully")
	n.wantNoFailedUnit()
}

func rpmFile(name, version string) string {
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	return "/srv/dist/" + name + "-" + version + "-1." + arch + ".rpm"
}

// The same by rpm: install, edit, verify, upgrade, downgrade, erase.
func TestRPM(t *testing.T) {
	n := bareNode(t)
	n.remove(conffile)
	rpm := func(args ...string) string {
		t.Helper()
		out, err := n.Run("sh", "-c", "rpm --nodeps "+strings.Join(args, " ")+" 2>&1")
		if err != nil {
			t.Fatalf("rpm %v: %v\n%s", args, err, out)
		}
		return out
	}
	rpm("-i", rpmFile("puppet-cron", oldVersion))
	n.serves(oldVersion)
	n.configure(schedule)
	n.MustRun("systemctl", "reload", serveUnit)
	id := n.hold()
	rpm("-U", rpmFile("puppet-cron", newVersion))
	n.serves(newVersion)
	n.release()
	n.wantOutcome(id, api.Changed, "")
	contains(t, "the configuration", n.MustRun("cat", conffile), schedule)
	verified, _ := n.Run("rpm", "-V", "--nodeps", "puppet-cron")
	if lines := strings.Split(strings.TrimSpace(verified), "\n"); len(lines) != 1 || !strings.HasSuffix(lines[0], "c "+conffile) {
		t.Errorf("rpm -V finds more than an edited configuration:\n%s", verified)
	}

	n.MustRun("systemctl", "disable", "--now", serveUnit)
	rpm("-U", "--oldpackage", rpmFile("puppet-cron", oldVersion))
	if state := n.property(serveUnit, "UnitFileState") + " " + n.property(serveUnit, "ActiveState"); state != "disabled inactive" {
		t.Errorf("a disabled service is %s after a downgrade", state)
	}
	n.MustRun("systemctl", "enable", "--now", serveUnit)
	n.serves(oldVersion)
	rpm("-e", "puppet-cron")
	if n.exists("/usr/bin/puppet-cron") || !n.exists(conffile+".rpmsave") || !n.exists(stateDir+"/runs") {
		t.Error("what is left of an erased package is not its edited configuration and its state")
	}
	if state := n.property(serveUnit, "ActiveState"); state != "inactive" {
		t.Errorf("an erased service is %s", state)
	}
	n.wantNoFailedUnit()
}
