//go:build machine

package systemd

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/state"
	"github.com/puppet-cron/puppet-cron/test/machine"
)

// The programs under test: the same but for the version that they say.
var (
	program string
	upgrade string
	dist    string // the packages of both versions, and of both programs
)

const oldVersion, newVersion = "0.1.0", "0.1.1"

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "puppet-cron-systemd-")
	if err != nil {
		panic(err)
	}
	dist = filepath.Join(dir, "dist")
	for version, file := range map[string]*string{oldVersion: &program, newVersion: &upgrade} {
		if *file, err = makePackages(version, dir); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// makePackages makes what `make package` makes, for this host, and returns the node's program out of it.
func makePackages(version, dir string) (program string, err error) {
	made := filepath.Join(dir, version)
	build := exec.Command("../../packaging/build", version, "deb", "rpm")
	build.Env = append(os.Environ(), "ARCHES="+runtime.GOARCH, "DIST="+made)
	unpack := exec.Command("dpkg-deb", "--extract", deb("puppet-cron", version, made), made)
	keep := exec.Command("sh", "-c", "mkdir -p $0 && mv $1/*.deb $1/*.rpm $0", dist, made)
	for _, cmd := range []*exec.Cmd{build, unpack, keep} {
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%v: %w: %s", cmd.Args, err, out)
		}
	}
	return filepath.Join(made, "usr/bin/puppet-cron"), nil
}

// deb is the file of a package in a folder.
func deb(name, version, folder string) string {
	return filepath.Join(folder, name+"_"+version+"-1_"+runtime.GOARCH+".deb")
}

const (
	serveUnit  = "puppet-cron.service"
	stateDir   = "/var/lib/puppet-cron"
	interval   = 10 * time.Second
	schedule   = "schedule: {every: 10s, catch_up: 3s}\n"
	masterless = "puppet: {command: apply, manifest: /etc/puppet-cron/site.pp}\n"

	site = "exec { '/usr/local/bin/work': }\n"

	// What a run does: it says in which state it is, and goes on for as long as /run/hold is there.
	work = `#!/bin/sh
echo "begin $$" >>/var/log/work
grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status >/etc/written-by-run
touch /run/working
while [ -e /run/hold ]; do sleep 0.1; done
rm -f /run/working
echo "end $$" >>/var/log/work
`
)

// A node is a machine with the service installed, whose runs last as the test wants.
type node struct {
	*machine.Machine
	t *testing.T
}

// newNode is one where nothing was installed yet but the program and its configuration.
func newNode(t *testing.T) *node {
	t.Helper()
	n := bareNode(t)
	n.CopyIn(program, "/usr/bin/puppet-cron", 0o755)
	n.configure(schedule)
	return n
}

// bareNode is one that has no puppet-cron, but the packages of it in /srv/dist, and what its runs shall do.
func bareNode(t *testing.T, options ...string) *node {
	t.Helper()
	return bareNodeWith(t, machine.Systemd, options...)
}

// bareNodeWith is one with another init.
func bareNodeWith(t *testing.T, init machine.Init, options ...string) *node {
	t.Helper()
	t.Parallel()
	n := &node{machine.StartWith(t, init, "web1", append(options, "--bind-ro="+dist+":/srv/dist")...), t}
	n.write("/etc/puppet-cron/site.pp", site)
	n.write("/usr/local/bin/work", work)
	if err := os.Chmod(n.Path("/usr/local/bin/work"), 0o755); err != nil {
		t.Fatal(err)
	}
	return n
}

// serving is one whose service is installed and started.
func serving(t *testing.T) *node {
	t.Helper()
	n := newNode(t)
	n.MustRun("puppet-cron", "service", "install")
	n.MustRun("puppet-cron", "service", "start")
	return n
}

func (n *node) configure(schedule string) {
	n.t.Helper()
	n.write("/etc/puppet-cron/puppet-cron.yaml", schedule+masterless)
}

func (n *node) write(path, text string) {
	n.t.Helper()
	if err := os.MkdirAll(filepath.Dir(n.Path(path)), 0o755); err != nil {
		n.t.Fatal(err)
	}
	if err := os.WriteFile(n.Path(path), []byte(text), 0o644); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) exists(path string) bool {
	_, err := os.Lstat(n.Path(path))
	return err == nil
}

func (n *node) remove(path string) {
	n.t.Helper()
	if err := os.Remove(n.Path(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		n.t.Fatal(err)
	}
}

func (n *node) state() *state.Dir { return state.View(n.Path(stateDir)) }

// property is one of a unit, as systemd has it.
func (n *node) property(unit, name string) string {
	n.t.Helper()
	return strings.TrimSpace(n.MustRun("systemctl", "show", "--value", "--property="+name, unit))
}

func (n *node) pid() string { n.t.Helper(); return n.property(serveUnit, "MainPID") }

// running waits for the service to be ready, as another process than the one before.
func (n *node) running(before string) {
	n.t.Helper()
	n.Eventually("the service runs as another process than "+before, func() bool {
		return n.property(serveUnit, "ActiveState") == "active" && n.pid() != before
	})
}

// hold waits until Puppet is in the middle of a run, which lasts until release, and returns the run's id.
func (n *node) hold() (id string) {
	n.t.Helper()
	n.write("/run/hold", "")
	n.Eventually("Puppet is in the middle of a run", func() bool {
		r, err := n.state().Running()
		if err != nil || r.Phase != state.Applying || !n.exists("/run/working") {
			return false
		}
		id = r.ID
		return true
	})
	return id
}

func (n *node) release() { n.t.Helper(); n.remove("/run/hold") }

// outcome waits for the record of a run.
func (n *node) outcome(id string) (run *api.Run) {
	n.t.Helper()
	n.Eventually("run "+id+" is recorded", func() bool {
		var err error
		run, err = n.state().Run(id)
		return err == nil
	})
	return run
}

func (n *node) wantOutcome(id string, outcome api.Outcome, reason api.Reason) {
	n.t.Helper()
	if run := n.outcome(id); run.Outcome != outcome || run.Reason != reason {
		n.t.Errorf("run %s was %s/%s (%s); want %s/%s", id, run.Outcome, run.Reason, run.Message, outcome, reason)
	}
}

// nextAfter waits for a run that is newer than id and was more than a refusal.
func (n *node) nextAfter(id string) (run *api.Run) {
	n.t.Helper()
	n.Eventually("a run after "+id, func() bool {
		var err error
		run, err = n.state().Last(state.LastExecuted)
		return err == nil && run.ID > id
	})
	return run
}

// nextBut waits for a run after another one that did not end the way those did which began before something changed.
func (n *node) nextBut(run *api.Run, outcome api.Outcome) *api.Run {
	n.t.Helper()
	for run = n.nextAfter(run.ID); run.Outcome == outcome; {
		run = n.nextAfter(run.ID)
	}
	return run
}

// endedWell checks that systemd holds nothing against a run, however it ended.
func (n *node) endedWell(id string) {
	n.t.Helper()
	unit := runUnit(id)
	n.Eventually(unit+" is gone", func() bool { return n.property(unit, "ActiveState") == "inactive" })
	if journal := n.Journal(unit); !strings.Contains(journal, "Deactivated successfully") || strings.Contains(journal, "Failed with") {
		n.t.Errorf("%s did not end well:\n%s", unit, journal)
	}
	if failed := n.MustRun("systemctl", "list-units", "--failed", "--no-legend"); failed != "" {
		n.t.Errorf("failed units: %s", failed)
	}
}

func runUnit(id string) string { return "puppet-cron-run@" + id + ".service" }

func (n *node) schedule() *state.Schedule {
	n.t.Helper()
	s, err := n.state().Schedule()
	if err != nil {
		n.t.Fatal(err)
	}
	return s
}

// history ends the service, waits for the run in progress and returns all runs, the oldest first. Each has a record, no
// two were at work at once, every slot is one run or counted as missed by one, and all are at the node's place.
func (n *node) history() (runs []*api.Run) {
	n.t.Helper()
	n.release()
	n.Eventually("the node knows its place", func() bool { return n.schedule().OffsetS != nil })
	n.MustRun("systemctl", "stop", serveUnit)
	n.Eventually("no run goes on", func() bool {
		return n.MustRun("systemctl", "list-units", "--no-legend", "puppet-cron-run@*") == ""
	})
	ids, err := n.state().IDs()
	if err != nil {
		n.t.Fatal(err)
	}
	offset := n.schedule().OffsetS
	seen := map[time.Time]bool{}
	tally := map[string]int{}
	var from time.Time // the first slot that is accounted for
	slots := 0
	for i := range ids {
		id := ids[len(ids)-1-i]
		run, err := n.state().Run(id)
		if err != nil {
			n.t.Errorf("no record: %v", err)
			continue
		}
		runs = append(runs, run)
		tally[strings.Trim(string(run.Outcome)+"/"+string(run.Reason), "/")]++
		if run.Schedule == nil { // somebody's, and skipped
			continue
		}
		if from.IsZero() {
			if run.Trigger != api.Schedule || run.Schedule.OffsetS == nil {
				continue
			}
			from = *run.Due
		} else {
			slots += run.Schedule.MissedSlots
			if run.Trigger == api.Schedule {
				slots++
			}
		}
		if run.Trigger != api.Schedule {
			continue
		}
		if want := int(run.Due.Sub(from).Round(interval) / interval); slots != want {
			n.t.Errorf("until run %s %d slots are accounted for; want %d", id, slots, want)
		}
		if seen[*run.Due] {
			n.t.Errorf("two runs were due at %s", run.Due)
		}
		seen[*run.Due] = true
		if off := math.Mod(float64(run.Due.UnixNano())/1e9, interval.Seconds()) - *offset; math.Abs(off) > 0.001 {
			n.t.Errorf("run %s was due %g s off the node's place", id, off)
		}
	}
	n.alone()
	n.t.Logf("%d runs: %v, all at %.3f s of %s; %d slots, none lost", len(runs), tally, *offset, interval, slots)
	return runs
}

// alone checks that no run was at work while another was.
func (n *node) alone() {
	n.t.Helper()
	log, err := os.ReadFile(n.Path("/var/log/work"))
	if err != nil {
		n.t.Fatal(err)
	}
	at := ""
	for line := range strings.Lines(string(log)) {
		what, pid, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case what == "begin" && at == "":
			at = pid
		case what == "end" && at == pid:
			at = ""
		default:
			n.t.Fatalf("two runs at once:\n%s", log)
		}
	}
}

func interrupted(runs []*api.Run) (all []string) {
	for _, r := range runs {
		if r.Outcome == api.Interrupted || r.Outcome == api.Errored {
			all = append(all, fmt.Sprintf("%s: %s/%s: %s", r.ID, r.Outcome, r.Reason, r.Message))
		}
	}
	return all
}
