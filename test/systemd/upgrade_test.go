//go:build machine

package systemd

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/puppet-cron/puppet-cron/api"
)

// A moment of a run in which the package is upgraded. It brings a run there, calls upgrade and lets the run go on.
type moment struct {
	name string
	at   func(n *node, to string) (id string)
}

var moments = []moment{
	{"before the lock", (*node).upgradeBeforeLock},
	{"in Puppet", (*node).upgradeInPuppet},
	{"classifying", (*node).upgradeClassifying},
	{"reporting", (*node).upgradeReporting},
	{"by its own catalog", (*node).upgradeByCatalog},
}

const upgradeRounds = 50 // of the long form; the short one has each moment once

// Whenever the package is upgraded, or downgraded, in the middle of a run: that run ends undisturbed, is recorded and reported
// once, and the schedule does not move.
func TestUpgradedInARun(t *testing.T) {
	n := bareNode(t)
	n.startCollector()
	n.configure(schedule + collected)
	n.dpkgInstall(packageFile("puppet-cron", oldVersion))
	n.nextAfter("")
	n.Eventually("the node knows its place", func() bool { return n.schedule().OffsetS != nil })
	offset := *n.schedule().OffsetS
	rounds := len(moments)
	if os.Getenv("SOAK") == "full" {
		rounds = upgradeRounds
	}
	upgraded, last := map[string]bool{}, ""
	for i := range rounds {
		m, to := moments[i%len(moments)], []string{newVersion, oldVersion}[i%2]
		began := time.Now()
		id := m.at(n, to)
		n.serves(to)
		n.wantOutcome(id, api.Changed, "")
		t.Logf("%2d %-18s to %s %6d ms; run %s changed", i+1, m.name, to, time.Since(began).Milliseconds(), id)
		upgraded[id], last = true, id
		if o := n.schedule().OffsetS; o == nil || *o != offset {
			t.Errorf("%s: the offset was %g, now %v", m.name, offset, o)
		}
	}
	n.nextAfter(last)
	runs := n.history()
	if bad := interrupted(runs); bad != nil || len(upgraded) != rounds {
		t.Errorf("%d upgrades: %d outcomes, %q", rounds, len(upgraded), bad)
	}
	n.wantReported(runs)
	n.wantNoFailedUnit()
	t.Logf("%d upgrades in the middle of runs: %d outcomes, 0 lost, 0 twice, 0 Puppets killed; %d runs in all", rounds, len(upgraded), len(runs))
}

func (n *node) upgrade(to string) {
	n.t.Helper()
	if os.Getenv("SOAK") == "full" { // and not always at the first instant of it
		time.Sleep(rand.N(500 * time.Millisecond))
	}
	n.dpkgInstall(packageFile("puppet-cron", to))
}

// upgradeBeforeLock stops a runner before it has taken run.lock.
func (n *node) upgradeBeforeLock(to string) string {
	n.t.Helper()
	var id string
	n.Eventually("a runner is caught before it has the lock", func() bool {
		var pid int
		if pid, id = n.awaitRunner(); pid == 0 {
			return false
		}
		if !n.lockFree() { // it was faster
			_ = syscall.Kill(pid, syscall.SIGCONT)
			n.outcome(id)
			return false
		}
		defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
		n.upgrade(to)
		return true
	})
	return id
}

// awaitRunner stops the next runner as soon as it is there. Its pid is the host's.
func (n *node) awaitRunner() (pid int, id string) {
	n.t.Helper()
	deadline := time.Now().Add(2 * interval)
	root, err := os.Stat(n.Path("/"))
	if err != nil {
		n.t.Fatal(err)
	}
	known := map[string]bool{}
	for first := true; time.Now().Before(deadline); first = false {
		names, err := readNames("/proc")
		if err != nil {
			n.t.Fatal(err)
		}
		for _, name := range names {
			words := runnerOf(name)
			if words == "" || known[name] {
				continue
			}
			known[name] = true
			if own, err := os.Stat(filepath.Join("/proc", name, "root")); first || err != nil || !os.SameFile(root, own) {
				continue // it went on before, or is another machine's
			}
			pid, _ := strconv.Atoi(name)
			if syscall.Kill(pid, syscall.SIGSTOP) == nil {
				return pid, words
			}
		}
	}
	return 0, ""
}

func readNames(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

// runnerOf is the run of a runner, by its command line.
func runnerOf(pid string) (id string) {
	line, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
	words := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	if err != nil || len(words) < 4 || words[0] != "/usr/bin/puppet-cron" || words[1] != "run" {
		return ""
	}
	for i, w := range words[:len(words)-1] {
		if w == "--request" {
			return words[i+1]
		}
	}
	return ""
}

func (n *node) lockFree() bool {
	n.t.Helper()
	f, err := os.OpenFile(n.Path(stateDir+"/run.lock"), os.O_RDONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return true
	}
	if err != nil {
		n.t.Fatal(err)
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

func (n *node) upgradeInPuppet(to string) string {
	n.t.Helper()
	id := n.hold()
	n.upgrade(to)
	n.release()
	return id
}

// upgradeClassifying stops the runner, so that it does not see that its Puppet has ended before the upgrade is over.
func (n *node) upgradeClassifying(to string) string {
	n.t.Helper()
	id := n.hold()
	r, err := n.state().Running()
	if err != nil {
		n.t.Fatal(err)
	}
	runner := strconv.Itoa(r.Runner.PID)
	n.MustRun("kill", "-STOP", runner)
	n.release()
	n.Eventually("Puppet has ended", func() bool { return strings.Contains(n.MustRun("ps", "-o", "stat=", "--ppid", runner), "Z") })
	n.upgrade(to)
	if _, err := n.state().Run(id); err == nil {
		n.t.Errorf("run %s was recorded while its runner was stopped", id)
	}
	n.MustRun("kill", "-CONT", runner)
	return id
}

// upgradeReporting keeps the answer of the collector back until the upgrade is over.
func (n *node) upgradeReporting(to string) string {
	n.t.Helper()
	id := n.hold()
	n.MustRun("systemctl", "kill", "-s", "STOP", collectorUnit)
	n.release()
	n.outcome(id)
	n.upgrade(to)
	if !n.exists(stateDir + "/spool/" + id + ".json") {
		n.t.Errorf("run %s left the spool while nobody answered", id)
	}
	n.MustRun("systemctl", "kill", "-s", "CONT", collectorUnit)
	return id
}

// upgradeByCatalog lets a run's own catalog change the configuration, upgrade the package and notify the service.
func (n *node) upgradeByCatalog(to string) string {
	n.t.Helper()
	n.write("/etc/puppet-cron/site.pp", site+catalogUpgrade(to, schedule+collected+masterless))
	id := n.hold()
	n.release()
	n.serves(to)
	run := n.outcome(id)
	n.write("/etc/puppet-cron/site.pp", site)
	if run.Resources == nil || run.Resources.Changed < 2 {
		n.t.Errorf("run %s changed %+v; want the package, too", id, run.Resources)
	}
	return id
}

func catalogUpgrade(to, configuration string) string {
	return fmt.Sprintf(`
package { 'puppet-cron': ensure => latest, provider => dpkg, source => '%s', require => Exec['/usr/local/bin/work'] }
-> file { '%s': content => "# written for %s\n%s" }
~> service { 'puppet-cron': ensure => running, enable => true, subscribe => Package['puppet-cron'] }
`, packageFile("puppet-cron", to), conffile, to, strings.NewReplacer("\n", `\n`, `"`, `\"`, "$", `\$`).Replace(configuration))
}

const (
	collectorUnit = "collector.service"
	collected     = "reporter: {url: \"http://127.0.0.1:8150\", tls: {mode: none}}\n"
)

// startCollector runs the packaged collector without its unit, for this machine alone.
func (n *node) startCollector() {
	n.t.Helper()
	n.MustRun("dpkg-deb", "--extract", packageFile("puppet-cron-collector", oldVersion), "/opt/collector")
	n.MustRun("systemd-run", "--quiet", "--unit="+collectorUnit, "/opt/collector/usr/bin/puppet-cron-collector",
		"serve", "--dev", "--database", "sqlite:/srv/collector.db")
	n.Eventually("the collector answers", func() bool { _, err := n.ask("/readyz"); return err == nil })
}

// ask asks the machine's collector. There is no curl.
func (n *node) ask(path string) (string, error) {
	return n.Run("ruby", "-rnet/http", "-e", "r = Net::HTTP.get_response(URI('http://127.0.0.1:8150"+path+"')); print r.body; exit r.is_a?(Net::HTTPSuccess)")
}

// wantReported checks that the collector has each final record once, and nothing else.
func (n *node) wantReported(runs []*api.Run) {
	n.t.Helper()
	n.MustRun("sh", "-c", "puppet-cron report flush || true") // for nobody serves any more
	got := map[string]int{}
	for query := "/v1/runs?limit=500"; query != ""; {
		text, err := n.ask(query)
		if err != nil {
			n.t.Fatal(err)
		}
		var page struct {
			Runs       []api.Run
			NextCursor string `json:"next_cursor"`
		}
		if err := json.Unmarshal([]byte(text), &page); err != nil {
			n.t.Fatal(err)
		}
		for _, r := range page.Runs {
			got[r.ID]++
		}
		if query = ""; page.NextCursor != "" {
			query = "/v1/runs?limit=500&cursor=" + page.NextCursor
		}
	}
	for _, r := range runs {
		if got[r.ID] != 1 {
			n.t.Errorf("the collector has run %s (%s) %d times", r.ID, r.Outcome, got[r.ID])
		}
		delete(got, r.ID)
	}
	if len(got) != 0 {
		n.t.Errorf("the collector has runs that the node does not know: %v", got)
	}
}
