//go:build machine

package systemd

import (
	"errors"
	"os"
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
	n.MustRun("systemctl", "daemon-reload")
	n.MustRun("systemctl", "start", serveUnit)

	security := n.MustRun("systemd-analyze", "security", "--no-pager", serveUnit)
	lines := strings.Split(strings.TrimSpace(security), "\n")
	overall := lines[len(lines)-1]
	t.Log(overall)
	if exposure, err := strconv.ParseFloat(strings.Fields(overall[strings.Index(overall, ":")+1:])[0], 64); err != nil || exposure > 3 {
		t.Errorf("exposure %v, %v; want at most 3.0", exposure, err)
	}

	for property, want := range map[string]string{"Type": "notify", "NotifyAccess": "main", "WatchdogUSec": "3min", "SubState": "running"} {
		contains(t, property, n.property(serveUnit, property), want)
	}
	environ, err := os.ReadFile(n.Path("/proc/" + n.pid() + "/environ"))
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "environment", string(environ), "WATCHDOG_USEC=180000000")

	_, err = n.Run("puppet-cron", "serve")
	var failed *machine.RunError
	if !errors.As(err, &failed) || failed.Code != 64 {
		t.Errorf("a second serve: %v; want exit 64", err)
	} else {
		t.Logf("a second serve: %s", strings.TrimSpace(failed.Stderr))
	}
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
	n := serving(t)
	id := n.hold()
	unit := "puppet-cron-run@" + id + ".service"
	contains(t, unit, n.property(unit, "ActiveState"), "active")
	contains(t, "its group", n.property(unit, "ControlGroup"), unit)

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
	n.MustRun("nsenter", "--target="+n.property(unit, "MainPID"), "--mount", "mount", "-t", "tmpfs", "run", "/mnt")
	n.MustRun("mountpoint", "/mnt") // for all

	n.release()
	n.wantOutcome(id, api.Changed, "")
	n.Eventually("the unit is gone", func() bool {
		return n.property(unit, "LoadState") != "loaded" || n.property(unit, "ActiveState") == "inactive"
	})
	contains(t, "failed units", n.MustRun("systemctl", "list-units", "--failed", "--no-legend")+".", ".")
	n.history()
}

// Short WatchdogSec, as somebody may set it: it is fed in time, and a service that hangs is replaced.
func TestWatchdog(t *testing.T) {
	n := newNode(t)
	n.configure("schedule: {every: 24h, catch_up: 0s}\n") // nothing to do
	n.write("/etc/systemd/system/puppet-cron.service.d/test.conf", "[Service]\nWatchdogSec=3s\nRestartSec=100ms\n")
	n.MustRun("puppet-cron", "service", "install")
	n.MustRun("puppet-cron", "service", "start")
	first := n.pid()
	time.Sleep(7 * time.Second)
	if n.pid() != first || n.property(serveUnit, "NRestarts") != "0" {
		t.Fatalf("the watchdog bit a service that does well\n%s", n.Journal(serveUnit))
	}
	began := time.Now()
	n.MustRun("kill", "-STOP", first)
	n.running(first)
	t.Logf("a service that hangs is replaced after %s", time.Since(began).Round(100*time.Millisecond))
	contains(t, "journal", n.Journal(serveUnit), "Watchdog timeout")
}

// systemctl speaks to systemd itself.
func TestNoBus(t *testing.T) {
	n := newNode(t)
	n.MustRun("puppet-cron", "service", "install")
	n.MustRun("systemctl", "stop", "dbus.socket", "dbus.service")
	n.MustRun("systemctl", "mask", "--runtime", "dbus.socket", "dbus.service")
	n.MustRun("puppet-cron", "service", "start")
	id := n.hold()
	if n.exists("/run/dbus/system_bus_socket") && n.property("dbus.service", "ActiveState") == "active" {
		t.Error("there is a bus")
	}
	n.release()
	n.wantOutcome(id, api.Changed, "")
	if bad := interrupted(n.history()); bad != nil {
		t.Error(bad)
	}
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
	run := n.nextAfter(first.ID)
	for run.Outcome == api.Changed { // began before the mask
		run = n.nextAfter(run.ID)
	}
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
	for run.Outcome == api.Errored {
		run = n.nextAfter(run.ID)
	}
	if run.Outcome != api.Changed {
		t.Errorf("after the cure: %s/%s %s", run.Outcome, run.Reason, run.Message)
	}
	if n.pid() != serve {
		t.Error("the service did not go on")
	}
	n.history()
}
