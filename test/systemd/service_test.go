//go:build machine

package systemd

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/test/machine"
)

func contains(t *testing.T, what, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("%s: %q; want %q in it", what, got, want)
	}
}

const (
	serveFile = "/etc/systemd/system/puppet-cron.service"
	runFile   = "/etc/systemd/system/puppet-cron-run@.service"
	wanted    = "/etc/systemd/system/multi-user.target.wants/puppet-cron.service"
)

func TestInstall(t *testing.T) {
	n := newNode(t)
	n.CopyIn(program, "/root/puppet-cron", 0o755)
	n.refused("its unit shows the service nothing of /root", "/root/puppet-cron", "service", "install")
	n.configure(schedule + "state_dir: /srv/state\n")
	n.MustRun("puppet-cron", "service", "install")
	n.MustRun("puppet-cron", "service", "start")
	n.Eventually("the service writes where it is told to", func() bool { return n.exists("/srv/state/schedule.json") })
	n.MustRun("puppet-cron", "service", "uninstall")
	n.configure(schedule)
	n.MustRun("puppet-cron", "service", "install")
	for _, file := range []string{serveFile, runFile, wanted} {
		if !n.exists(file) {
			t.Errorf("service install made no %s", file)
		}
	}
	contains(t, "is-enabled", n.MustRun("systemctl", "is-enabled", serveUnit), "enabled")
	if _, err := n.Run("puppet-cron", "service", "install"); err == nil {
		t.Error("a second install succeeded")
	}

	n.MustRun("puppet-cron", "service", "start")
	first := n.pid()
	contains(t, "active", n.property(serveUnit, "ActiveState"), "active")
	n.MustRun("puppet-cron", "service", "restart")
	if n.pid() == first {
		t.Error("restart: the process is the one before")
	}
	n.Eventually("systemd knows the next run", func() bool {
		return strings.HasPrefix(n.property(serveUnit, "StatusText"), "next run ")
	})
	t.Logf("status: %s", n.property(serveUnit, "StatusText"))
	n.MustRun("puppet-cron", "service", "stop")
	contains(t, "stop", n.property(serveUnit, "ActiveState"), "inactive")

	n.MustRun("puppet-cron", "service", "start")
	running := n.pid()
	n.MustRun("puppet-cron", "service", "uninstall")
	for _, file := range []string{serveFile, runFile, wanted} {
		if n.exists(file) {
			t.Errorf("service uninstall left %s", file)
		}
	}
	if n.exists("/proc/" + running) {
		t.Error("service uninstall left the service running")
	}
	if !n.exists(stateDir + "/schedule.json") {
		t.Error("service uninstall removed what ran")
	}
}

// What the packages will install is what `service install` does, and systemd has nothing to say about it.
func TestUnits(t *testing.T) {
	n := newNode(t)
	for _, unit := range []string{"puppet-cron.service", "puppet-cron-run@.service"} {
		n.CopyIn("../../packaging/systemd/"+unit, "/usr/lib/systemd/system/"+unit, 0o644)
	}
	for _, unit := range []string{"puppet-cron.service", "puppet-cron-run@x.service"} {
		if out, err := n.Run("sh", "-c", "systemd-analyze verify --man=no "+unit+" 2>&1"); err != nil || out != "" {
			t.Errorf("verify %s: %v %s", unit, err, out)
		}
	}
	n.MustRun("systemctl", "mask", serveUnit)
	_, err := n.Run("puppet-cron", "service", "start")
	if err == nil || !strings.Contains(err.Error(), "masked") {
		t.Errorf("start of a masked service: %v; want an error that says so", err)
	}
	t.Logf("start of a masked service: %v", err)
	n.MustRun("systemctl", "unmask", serveUnit)
	n.MustRun("systemctl", "start", serveUnit)

	if exposure := n.exposure(serveUnit); exposure > 3 {
		t.Errorf("exposure %.1f; want at most 3.0", exposure)
	}

	for property, want := range map[string]string{"Type": "notify", "NotifyAccess": "main", "WatchdogUSec": "3min", "RestartUSec": "5s", "StartLimitIntervalUSec": "0", "SubState": "running"} {
		contains(t, property, n.property(serveUnit, property), want)
	}
	environ, err := os.ReadFile(n.Path("/proc/" + n.pid() + "/environ"))
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "environment", string(environ), "WATCHDOG_USEC=180000000")

	n.refused("another puppet-cron serves", "puppet-cron", "serve")
}

// The groups of systemd 239 do not have what Go asks of a newer kernel; here a drop-in takes it out of them. The service
// starts its runs all the same, and is not killed for the question.
func TestOlderCallGroups(t *testing.T) {
	n := newNode(t)
	n.MustRun("puppet-cron", "service", "install")
	n.write("/etc/systemd/system/puppet-cron.service.d/as239.conf",
		"[Service]\nSystemCallFilter=~faccessat2 pidfd_open pidfd_send_signal clone3\n")
	n.MustRun("systemctl", "daemon-reload")
	n.MustRun("puppet-cron", "service", "start")
	run := n.nextAfter("")
	second := n.nextAfter(run.ID)
	for _, r := range []*api.Run{run, second} {
		n.wantOutcome(r.ID, api.Changed, "")
	}
	if restarts := n.property(serveUnit, "NRestarts"); restarts != "0" {
		t.Errorf("the service was started again %s times:\n%s", restarts, n.Journal(serveUnit))
	}
}

// refused runs a command that is a mistake of its caller's, and says why.
func (n *node) refused(why string, command ...string) {
	n.t.Helper()
	_, err := n.Run(command...)
	var failed *machine.RunError
	if !errors.As(err, &failed) || failed.Code != 64 || !strings.Contains(failed.Stderr, why) {
		n.t.Errorf("%s: %v; want exit 64 and %q", strings.Join(command, " "), err, why)
		return
	}
	n.t.Logf("%s: %s", strings.Join(command, " "), strings.TrimSpace(failed.Stderr))
}

// The service writes the metrics from inside, where Debian's node_exporter looks for them. Elsewhere it may not, says what
// to do, and goes on.
func TestMetrics(t *testing.T) {
	n := newNode(t)
	const textfile = "/var/lib/prometheus/node-exporter/puppet_cron.prom"
	n.write(textfile, "")
	n.configure(schedule + "metrics: {textfile: " + textfile + "}\n")
	n.MustRun("puppet-cron", "service", "install")
	n.MustRun("puppet-cron", "service", "start")
	says := func(what string) {
		t.Helper()
		n.Eventually("the metrics say "+what, func() bool {
			text, err := os.ReadFile(n.Path(textfile))
			return err == nil && strings.Contains(string(text), what+"\n")
		})
	}
	says("puppet_cron_service_up 1")
	says("puppet_cron_consecutive_failures 0")
	n.MustRun("puppet-cron", "service", "stop")
	says("puppet_cron_service_up 0")

	n.configure(schedule + "metrics: {textfile: /var/lib/puppet_cron.prom}\n")
	n.MustRun("puppet-cron", "service", "start")
	n.Eventually("the service says what it may not", func() bool {
		return strings.Contains(n.schedule().LastError, "ReadWritePaths=/var/lib")
	})
	n.Eventually("a run, which is not locked in, writes them", func() bool { return n.exists("/var/lib/puppet_cron.prom") })
}

// The service is locked in; the runs that it starts are not.
func TestRunOfItsOwn(t *testing.T) {
	n := newNode(t)
	n.CopyIn(makeDeb(t), "/srv/from-run.deb", 0o644)
	n.write("/etc/puppet-cron/site.pp", site+wholeSystem)
	n.write("/etc/systemd/system/puppet-cron.slice.d/limit.conf", "[Slice]\nCPUQuota=50%\n")
	n.MustRun("puppet-cron", "service", "install")
	n.MustRun("puppet-cron", "service", "start")
	id := n.hold()
	unit := runUnit(id)
	contains(t, unit, n.property(unit, "ActiveState"), "active")
	contains(t, unit, n.property(unit, "OOMPolicy"), "continue")
	contains(t, "its group", n.property(unit, "ControlGroup"), "/puppet-cron.slice/"+unit)
	contains(t, "what a drop-in for all runs allows them", n.property("puppet-cron.slice", "CPUQuotaPerSecUSec"), "500ms")

	for path, mayWrite := range map[string]bool{stateDir: true, "/etc": false, "/root": false, "/usr": false, "/var/lib": false} {
		_, err := n.Run("nsenter", "--target="+n.pid(), "--mount", "touch", path+"/by-serve")
		if (err == nil) != mayWrite {
			t.Errorf("serve writes %s: %v", path, err)
		}
	}
	status, err := os.ReadFile(n.Path("/proc/" + n.pid() + "/status"))
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "serve", string(status), "Seccomp:\t2")
	contains(t, "serve", string(status), "CapEff:\t0000000000000004")

	written, err := os.ReadFile(n.Path("/etc/written-by-run"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(n.Path("/proc/1/status"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(written)) {
		contains(t, "the run may what the machine may", string(first), line)
	}
	t.Logf("the run has %s", strings.Join(strings.Fields(string(written)), " "))

	n.release()
	run := n.outcome(id)
	if run.Outcome != api.Changed || run.Resources.Changed != 5 {
		t.Errorf("%s: %s %+v", run.Outcome, run.Message, run.Failures)
	}
	t.Logf("a package, a mount, an address and a connection: %s: %s", run.Outcome, run.Message)
	n.MustRun("mountpoint", "/mnt") // for all
	contains(t, "the package", n.MustRun("dpkg-query", "--show", "--showformat=${db:Status-Status}", "from-run"), "installed")
	contains(t, "the address", n.MustRun("ip", "-brief", "address", "show", "lo"), "192.0.2.1/32")
	n.endedWell(id)
	n.history()
}

// wholeSystem is what only a run can do that nothing is locked away from: it installs a package, mounts, gives the machine
// an address (by netlink) and speaks TCP there.
const wholeSystem = `
package { 'from-run': provider => dpkg, source => '/srv/from-run.deb' }
exec { '/usr/bin/mount -t tmpfs run /mnt': unless => '/usr/bin/mountpoint /mnt' }
exec { '/usr/sbin/ip address replace 192.0.2.1/32 dev lo': }
-> exec { "/usr/bin/ruby -rsocket -e 'TCPServer.open(%q{192.0.2.1}, 8140) { TCPSocket.new(%q{192.0.2.1}, 8140).close }'": }
`

// makeDeb makes a package of one file.
func makeDeb(t *testing.T) (file string) {
	t.Helper()
	dir := t.TempDir()
	control := "Package: from-run\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: for a test\n"
	for path, text := range map[string]string{"DEBIAN/control": control, "usr/share/from-run": "here\n"} {
		path = filepath.Join(dir, "tree", path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	file = filepath.Join(dir, "from-run.deb")
	if out, err := exec.Command("dpkg-deb", "--root-owner-group", "--build", filepath.Join(dir, "tree"), file).CombinedOutput(); err != nil {
		t.Fatalf("make a package: %v: %s", err, out)
	}
	return file
}

// Short WatchdogSec, as somebody may set it: it is fed in time, also while a run is started. A service that hangs is
// replaced, and its run goes on.
func TestWatchdog(t *testing.T) {
	n := newNode(t)
	n.write("/etc/systemd/system/puppet-cron.service.d/test.conf", "[Service]\nWatchdogSec=3s\nRestartSec=100ms\n")
	n.MustRun("puppet-cron", "service", "install")
	n.MustRun("puppet-cron", "service", "start")
	first, started := n.pid(), time.Now()
	id := n.hold()
	n.Eventually("two watchdogs have passed", func() bool { return time.Since(started) > 7*time.Second })
	if n.pid() != first || n.property(serveUnit, "NRestarts") != "0" {
		t.Fatalf("the watchdog bit a service that does well\n%s", n.Journal(serveUnit))
	}
	began := time.Now()
	n.MustRun("kill", "-STOP", first)
	n.running(first)
	t.Logf("a service that hangs is replaced after %s", time.Since(began).Round(100*time.Millisecond))
	contains(t, "journal", n.Journal(serveUnit), "Watchdog timeout")
	n.release()
	n.wantOutcome(id, api.Changed, "")
	if bad := interrupted(n.history()); bad != nil {
		t.Error(bad)
	}
}

// The bus is killed and taken away in the middle of a run. That run goes on, and the next one comes without a bus:
// systemctl speaks to systemd itself.
func TestNoBus(t *testing.T) {
	n := serving(t)
	inMidRun := n.hold()
	n.MustRun("systemctl", "kill", "-s", "KILL", "dbus.service")
	n.MustRun("systemctl", "mask", "--runtime", "--now", "dbus.socket", "dbus.service")
	n.release()
	n.wantOutcome(inMidRun, api.Changed, "")
	n.MustRun("puppet-cron", "service", "restart")
	without := n.hold()
	if state := n.property("dbus.service", "ActiveState"); state == "active" {
		t.Errorf("dbus is %s", state)
	}
	if _, err := n.Run("busctl", "list"); err == nil {
		t.Error("there is a bus")
	}
	n.release()
	n.wantOutcome(without, api.Changed, "")
	if bad := interrupted(n.history()); bad != nil {
		t.Error(bad)
	}
}

// A service that cannot start says why, is tried for ever, and comes to life once the file is mended.
func TestBadConfiguration(t *testing.T) {
	n := newNode(t)
	// By default systemd gives up after five starts in ten seconds.
	n.write("/etc/systemd/system/puppet-cron.service.d/test.conf", "[Service]\nRestartSec=200ms\n")
	n.MustRun("puppet-cron", "service", "install")
	const file = "/etc/puppet-cron/puppet-cron.yaml"
	n.write(file, "schedule:\n  evry: 10s\n")
	_, err := n.Run("puppet-cron", "service", "start")
	if err == nil || !strings.Contains(err.Error(), "journalctl") {
		t.Errorf("start with a bad configuration: %v; want an error that says where to look", err)
	}
	t.Logf("start with a bad configuration: %v", err)
	n.Eventually("it was tried ten times", func() bool {
		tries, err := strconv.Atoi(n.property(serveUnit, "NRestarts"))
		return err == nil && tries >= 10
	})
	const why = file + ":2: schedule.evry: unknown key"
	contains(t, "journal", n.Journal(serveUnit), why)
	n.refused(why, "puppet-cron", "status")

	n.configure(schedule)
	mended := time.Now()
	n.running("0")
	t.Logf("the service is back %s after the file was mended", time.Since(mended).Round(10*time.Millisecond))
}

// A run that cannot be started has an outcome, and the service goes on.
func TestMasked(t *testing.T) {
	n := serving(t)
	first := n.nextAfter("")
	unit, err := os.ReadFile(n.Path(runFile))
	if err != nil {
		t.Fatal(err)
	}
	n.remove(runFile)
	if err := os.Symlink(os.DevNull, n.Path(runFile)); err != nil {
		t.Fatal(err)
	}
	n.MustRun("systemctl", "daemon-reload")
	serve := n.pid()
	run := n.nextBut(first, api.Changed)
	if run.Outcome != api.Errored || run.Reason != api.StartFailed {
		t.Errorf("%s/%s; want errored/start_failed", run.Outcome, run.Reason)
	}
	t.Logf("message: %s", run.Message)
	contains(t, "message", run.Message, "masked")
	n.Eventually("the schedule says why", func() bool { return strings.Contains(n.schedule().LastError, "masked") })
	t.Logf("last_error: %s", n.schedule().LastError)

	n.remove(runFile)
	n.write(runFile, string(unit))
	n.MustRun("systemctl", "daemon-reload")
	if run = n.nextBut(run, api.Errored); run.Outcome != api.Changed {
		t.Errorf("after the cure: %s/%s %s", run.Outcome, run.Reason, run.Message)
	}
	if n.pid() != serve {
		t.Error("the service did not go on")
	}
	n.history()
}
