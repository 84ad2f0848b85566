//go:build machine

package systemd

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
	"github.com/puppet-cron/puppet-cron/test/machine"
)

const logind = "systemd-logind.service"

// inhibit says what runs do to a shutdown, from the next one on.
func (n *node) inhibit(mode string) {
	n.t.Helper()
	n.configure(schedule + "shutdown: {inhibit: " + mode + "}\n")
}

// locks are the modes of the locks that we hold, as logind has them.
func (n *node) locks() string {
	n.t.Helper()
	var modes []string
	for line := range strings.Lines(n.MustRun("systemd-inhibit", "--list", "--no-legend")) {
		if words := strings.Fields(line); words[0] == "puppet-cron" {
			modes = append(modes, words[len(words)-1])
		}
	}
	slices.Sort(modes)
	return strings.Join(modes, " ")
}

// byHand begins a run as a person or cron does, in no unit that systemd would stop in order.
func (n *node) byHand() {
	n.t.Helper()
	n.MustRun("setsid", "--fork", "sh", "-c", "exec puppet-cron run >/run/by-hand 2>&1")
}

// manual is a run of somebody who waits for it, and what it said beside its record.
func (n *node) manual() (run *api.Run, said string) {
	n.t.Helper()
	run = new(api.Run)
	return run, n.json(run, "puppet-cron", "run", "--wait=2m", "--json")
}

// json reads what a command prints, whatever its exit code, and returns what it says beside that when it has one.
func (n *node) json(to any, command ...string) (said string) {
	n.t.Helper()
	out, err := n.Run(command...)
	failed := new(machine.RunError)
	errors.As(err, &failed)
	if err := json.Unmarshal([]byte(out), to); err != nil {
		n.t.Fatalf("%s: %v: %q, %s", strings.Join(command, " "), err, out, failed.Stderr)
	}
	return failed.Stderr
}

func (n *node) wantRun(what string, run *api.Run, outcome api.Outcome, reason api.Reason) {
	n.t.Helper()
	n.t.Logf("%s: %s/%s: %s", what, run.Outcome, run.Reason, run.Message)
	if run.Outcome != outcome || run.Reason != reason {
		n.t.Errorf("%s: %s/%s (%s); want %s/%s", what, run.Outcome, run.Reason, run.Message, outcome, reason)
	}
}

// A run holds the lock that the configuration asks for, and nothing of it is left after its end.
func TestInhibited(t *testing.T) {
	n := serving(t)
	for _, c := range []struct{ mode, locks string }{{"delay", "delay"}, {"off", ""}, {"block", "block delay"}} {
		n.MustRun("systemctl", "stop", serveUnit)
		n.inhibit(c.mode)
		n.MustRun("systemctl", "start", serveUnit)
		id := n.hold()
		n.MustRun("systemctl", "stop", serveUnit) // no other run comes
		if got := n.locks(); got != c.locks {
			t.Errorf("%s: a run holds %q; want %q", c.mode, got, c.locks)
		}
		if c.mode == "block" {
			n.rebootRefused()
		}
		n.release()
		n.wantOutcome(id, api.Changed, "")
		n.endedWell(id)
		if got := n.locks(); got != "" {
			t.Errorf("%s: after the run there is %q", c.mode, got)
		}
		t.Logf("%s: a run held %q, and nothing when it was over", c.mode, c.locks)
	}
	n.history()
}

// rebootRefused is what a person on a terminal meets.
func (n *node) rebootRefused() {
	n.t.Helper()
	_, err := n.Run("systemctl", "reboot", "--check-inhibitors=yes")
	if err == nil || !strings.Contains(err.Error(), `inhibited by "puppet-cron"`) {
		n.t.Errorf("a reboot during a run that blocks: %v; want it refused in our name", err)
	}
	n.t.Logf("refused: %v", err)
}

// rebooting is when logind, done with all that delays it, asked systemd for the end of the boot before.
func (n *node) rebooting() time.Time {
	n.t.Helper()
	journal := n.MustRun("journalctl", "--boot=-1", "--unit="+logind, "--output=json", "--grep=System is rebooting")
	var entry struct {
		At string `json:"__REALTIME_TIMESTAMP"`
	}
	if err := json.Unmarshal([]byte(journal), &entry); err != nil {
		n.t.Fatalf("%v: %q", err, journal)
	}
	usec, err := strconv.ParseInt(entry.At, 10, 64)
	if err != nil {
		n.t.Fatal(err)
	}
	return time.UnixMicro(usec)
}

// A run that holds a lock is over before systemd begins to stop anything, though it is in no unit of ours, and Puppet has
// ended in good order. A lock that blocks does as much when a shutdown passes it: root's, or one that was planned.
func TestShutdownWaits(t *testing.T) {
	n := newNode(t)
	for _, c := range []struct {
		name, mode string
		reboot     func()
		before     bool
	}{
		{"delay", "delay", n.Reboot, true},
		{"block", "block", n.Reboot, true},
		{"block, planned", "block", n.rebootSoon, true},
		{"off", "off", n.Reboot, false},
	} {
		n.inhibit(c.mode)
		n.write("/run/hold", "")
		n.byHand()
		id := n.hold()
		began := time.Now()
		c.reboot()
		run := n.outcome(id)
		n.wantRun(c.name, run, api.Interrupted, api.ByShutdown)
		ahead := n.rebooting().Sub(*run.Ended)
		t.Logf("%s: recorded %d ms after the command, %d ms before systemd was asked to reboot", c.name,
			run.Ended.Sub(began).Milliseconds(), ahead.Milliseconds())
		if (ahead > 0) != c.before {
			t.Errorf("%s: recorded %s before systemd was asked to reboot", c.name, ahead)
		}
		n.endedByTerm(id)
	}
}

// rebootSoon is `shutdown -r`, which knows no less than a minute, and returns when the machine has booted again.
func (n *node) rebootSoon() {
	n.t.Helper()
	at := strconv.FormatInt(time.Now().Add(time.Second).UnixMicro(), 10)
	n.MustRun("busctl", "call", "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
		"ScheduleShutdown", "st", "reboot", at)
	n.AwaitBoot()
}

// endedByTerm checks that Puppet had the time to say its last words.
func (n *node) endedByTerm(id string) {
	n.t.Helper()
	log, err := os.ReadFile(n.state().OutputLog(id))
	if err != nil {
		n.t.Fatal(err)
	}
	contains(n.t, "Puppet's output", string(log), "Could not run: SIGTERM")
	if run := n.outcome(id); run.Signal == "SIGKILL" {
		n.t.Errorf("Puppet was killed: %s", run.Message)
	}
}

// The same for a run of the service's.
func TestShutdownWaitsForTheService(t *testing.T) {
	n := serving(t)
	id := n.hold()
	n.Reboot()
	run := n.outcome(id)
	n.wantRun("reboot", run, api.Interrupted, api.ByShutdown)
	if ahead := n.rebooting().Sub(*run.Ended); ahead <= 0 {
		t.Errorf("recorded %s after systemd was asked to reboot", -ahead)
	}
}

// Nobody's run starts when logind has announced the shutdown and waits for others, though systemd stops nothing yet.
func TestShutdownBegun(t *testing.T) {
	n := newNode(t)
	n.write("/etc/systemd/logind.conf.d/delay.conf", "[Login]\nInhibitDelayMaxSec=1min\n")
	n.MustRun("systemctl", "restart", logind)
	for _, mode := range []string{"delay", "block"} {
		n.inhibit(mode)
		n.MustRun("systemd-run", "--unit=delays", "systemd-inhibit", "--what=shutdown", "--mode=delay", "--who=test", "sleep", "infinity")
		n.Eventually("somebody delays", func() bool { return strings.Contains(n.MustRun("systemd-inhibit", "--list"), "test") })
		n.MustRun("systemctl", "reboot")
		run, _ := n.manual()
		n.wantRun(mode, run, api.Skipped, api.ByShutdown)
		n.MustRun("systemctl", "--no-block", "stop", "delays")
		n.AwaitBoot()
	}
}

// Nor when systemd has begun to stop everything, whatever the configuration is: logind may be gone by then.
func TestShutdownUnderWay(t *testing.T) {
	n := newNode(t)
	for _, mode := range []string{"off", "delay"} {
		n.inhibit(mode)
		n.MustRun("systemd-run", "--remain-after-exit", "--property=ExecStop=puppet-cron run", "true")
		n.Reboot()
		run, err := n.state().Last(state.LastRun)
		if err != nil {
			t.Fatal(err)
		}
		n.wantRun(mode, run, api.Skipped, api.ByShutdown)
		if err := os.RemoveAll(n.Path(stateDir)); err != nil {
			t.Fatal(err)
		}
	}
}

// A shutdown that is near keeps everybody's run off, until it is called off. One that is far keeps nobody off.
func TestShutdownPlanned(t *testing.T) {
	n := serving(t)
	n.nextAfter("")
	n.MustRun("shutdown", "-r", "+60")
	far, _ := n.manual()
	n.wantRun("an hour before a reboot", far, api.Changed, "")
	n.asked("an hour before a reboot", scheduler.Start)

	n.MustRun("shutdown", "-r", "+3")
	n.Eventually("a run of the schedule is skipped", func() bool {
		run, err := n.state().Last(state.LastRun)
		return err == nil && run.Trigger == api.Schedule && run.Outcome == api.Skipped && run.Reason == api.ByShutdown
	})
	near, _ := n.manual()
	n.wantRun("three minutes before a reboot", near, api.Skipped, api.ByShutdown)
	contains(t, "a manual run", near.Message, "a shutdown is planned for 20")
	n.asked("three minutes before a reboot", scheduler.Skip)
	n.asked("three minutes before a reboot, to a user,", scheduler.Skip, "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")

	n.MustRun("shutdown", "-c")
	n.asked("after it was called off", scheduler.Start)
	n.wantRun("after it was called off", n.nextAfter(near.ID), api.Changed, "")
	n.history()
}

// asked checks what status says of a run that is asked for now.
func (n *node) asked(when string, want scheduler.Verb, as ...string) {
	n.t.Helper()
	var status struct {
		IfAsked    scheduler.Verb `json:"if_asked"`
		IfAskedWhy string         `json:"if_asked_why"`
	}
	n.json(&status, append(as, "puppet-cron", "status", "--json")...)
	n.t.Logf("%s a run would %s: %s", when, status.IfAsked, status.IfAskedWhy)
	planned := strings.Contains(status.IfAskedWhy, "a shutdown is planned")
	goesOn := strings.Contains(status.IfAskedWhy, "goes on") // a run of the schedule
	if planned != (want == scheduler.Skip) || status.IfAsked != want && !goesOn {
		n.t.Errorf("%s status says that a run would %s: %s", when, status.IfAsked, status.IfAskedWhy)
	}
}

const (
	bound  = 3 * time.Second // what a bus that does not answer may cost a run
	noWait = time.Second     // that is, some hundredths of one and a busy host
)

// A run goes on without its lock. It waits only where somebody should answer and does not, and says so.
func TestNoLock(t *testing.T) {
	n := newNode(t)
	n.manual() // from now on Puppet's settings are known
	for _, c := range []struct {
		what string
		do   []string
		said string
		wait time.Duration
	}{
		{"all is well", []string{"true"}, "", 0},
		{"the bus hangs", []string{"kill", "-STOP", n.property("dbus.service", "MainPID")}, "no answer within 3s", bound},
		{"the bus answers again", []string{"kill", "-CONT", n.property("dbus.service", "MainPID")}, "", 0},
		{"logind is masked", []string{"systemctl", "mask", "--now", logind}, "", 0},
		{"the bus has ended", []string{"systemctl", "stop", "dbus.socket", "dbus.service"}, "connection refused", 0},
		{"there is no bus", []string{"rm", "/run/dbus/system_bus_socket"}, "", 0},
	} {
		n.MustRun(c.do...)
		run, said := n.manual()
		n.wantRun(c.what, run, api.Changed, "")
		warned := strings.Contains(said, "a shutdown will not wait for this run")
		if warned != (c.said != "") || !strings.Contains(said, c.said) {
			t.Errorf("%s: the run said %q; want %q in it", c.what, said, c.said)
		}
		delay := beforePuppet(t, run)
		t.Logf("%s: Puppet was started after %d ms; %s", c.what, delay.Milliseconds(), strings.TrimSpace(said))
		if delay < c.wait || delay > c.wait+noWait {
			t.Errorf("%s: Puppet was started after %s", c.what, delay)
		}
	}
}

// beforePuppet is how long a manual run took to start Puppet.
func beforePuppet(t *testing.T, run *api.Run) time.Duration {
	t.Helper()
	id, err := uuid.Parse(run.ID)
	if err != nil {
		t.Fatal(err)
	}
	return run.Started.Sub(time.Unix(id.Time().UnixTime()))
}
