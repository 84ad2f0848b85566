//go:build machine

package systemd

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/test/machine"
)

// moduleNode is one that has our module, and no puppet-cron yet.
func moduleNode(t *testing.T, options ...string) *node {
	t.Helper()
	modules, err := filepath.Abs("../../packaging/puppet")
	if err != nil {
		t.Fatal(err)
	}
	return bareNode(t, append(options, "--bind-ro="+modules+":/srv/modules")...)
}

// apply applies a manifest, as real Puppet does, and returns its exit code: 0 unchanged, 2 changed, 4 and 6 failed, 1 not applied.
func (n *node) apply(manifest string) (code int, said string) {
	n.t.Helper()
	n.write("/srv/apply.pp", manifest)
	said, err := n.Run("sh", "-c", "puppet apply --detailed-exitcodes --color=false --modulepath /srv/modules /srv/apply.pp 2>&1")
	if failed, ok := errors.AsType[*machine.RunError](err); ok {
		return failed.Code, said
	}
	return 0, said
}

// converges applies a manifest that changes something, and once more, which changes nothing.
func (n *node) converges(manifest string) (said string) {
	n.t.Helper()
	code, said := n.apply(manifest)
	if code != 2 {
		n.t.Fatalf("the first time: exit code %d\n%s\n%s", code, manifest, said)
	}
	if code, again := n.apply(manifest); code != 0 {
		n.t.Fatalf("the second time: exit code %d\n%s\n%s", code, manifest, again)
	}
	return said
}

const (
	cronLine = "*/30 * * * * root puppet agent --onetime --no-daemonize >/dev/null 2>&1\n"
	ownLine  = "17 3 * * * tidy /var/tmp\n"
	timer    = "[Timer]\nOnCalendar=*:0/30\n[Install]\nWantedBy=timers.target\n"
	timed    = "[Service]\nType=oneshot\nExecStart=/usr/bin/puppet agent --onetime --no-daemonize\n"
)

// driven is a node that four things run Puppet on already.
func driven(t *testing.T) *node {
	t.Helper()
	n := moduleNode(t)
	n.write("/etc/cron.d/puppet", "# every half hour\n"+cronLine)
	n.write("/etc/cron.daily/puppet-run", "#!/bin/sh\nexec puppet agent --onetime --no-daemonize\n")
	n.MustRun("chmod", "0755", "/etc/cron.daily/puppet-run")
	n.write("/srv/crontab", ownLine+strings.Replace(cronLine, " root", "", 1))
	n.MustRun("crontab", "/srv/crontab")
	n.write("/etc/systemd/system/puppet-run.timer", timer)
	n.write("/etc/systemd/system/puppet-run.service", timed)
	n.write("/etc/systemd/system/until-boot.timer", strings.Replace(timer, "[Install]", "Unit=puppet-run.service\n[Install]", 1))
	n.MustRun("systemctl", "daemon-reload")
	n.MustRun("systemctl", "enable", "--now", "puppet-run.timer", "puppet.service")
	n.MustRun("systemctl", "start", "until-boot.timer") // and not enabled
	return n
}

// drivers says what runs Puppet on the node, as far as these tests have to do with it.
func (n *node) drivers() string {
	n.t.Helper()
	return strings.Join([]string{
		n.property("puppet.service", "UnitFileState"), n.property("puppet.service", "ActiveState"),
		n.property("puppet-run.timer", "UnitFileState"), n.property("puppet-run.timer", "ActiveState"),
		n.property("until-boot.timer", "UnitFileState"), n.property("until-boot.timer", "ActiveState"),
		n.MustRun("cat", "/etc/cron.d/puppet"), n.MustRun("crontab", "-l"), n.MustRun("stat", "-c", "%a", "/etc/cron.daily/puppet-run"),
	}, "\n")
}

const moduleClass = `class { 'puppet_cron':
  package_source    => '%PACKAGE%',
  package_ensure    => 'latest',
  schedule_every    => '10s',
  schedule_catch_up => '3s',
  puppet_command    => 'apply',
  puppet_manifest   => '/etc/puppet-cron/site.pp',
%MORE%}
`

func class(version, more string) string {
	return strings.NewReplacer("%PACKAGE%", packageFile("puppet-cron", version), "%MORE%", more).Replace(moduleClass)
}

// From nothing to a converged node, by the module alone; then exactly one scheduler is left, and with `absent` all others are back.
func TestModule(t *testing.T) {
	n := driven(t)
	before := n.drivers()
	began := time.Now()
	said := n.converges(class(oldVersion, ""))
	contains(t, "what is told", said, "took over from service puppet, timer puppet-run.timer, timer until-boot.timer, crontab /etc/cron.d/puppet, root crontab (crontab -l), script /etc/cron.daily/puppet-run")
	if run := n.nextAfter(""); run.Outcome != api.Changed {
		t.Errorf("the first run: %s %s", run.Outcome, run.Message)
	}
	took := time.Since(began)
	t.Logf("from nothing to the first run by the module, which was applied twice: %.1f s", took.Seconds())
	wantMinute(t, took)
	n.wantAlone()
	contains(t, "root's crontab", n.MustRun("crontab", "-l"), ownLine)

	var facts struct {
		Fact struct {
			Version     string
			Serving     bool
			LastOutcome string `json:"last_outcome"`
		} `json:"puppet_cron"`
	}
	n.json(&facts, "sh", "-c", "FACTERLIB=/srv/modules/puppet_cron/lib/facter facter --json puppet_cron")
	if fact := facts.Fact; fact.Version != oldVersion || !fact.Serving || fact.LastOutcome != "changed" {
		t.Errorf("the fact is %+v", fact)
	}

	n.converges("class { 'puppet_cron': ensure => absent }\n")
	if after := n.drivers(); after != before {
		t.Errorf("given back:\n%s\nwant:\n%s", after, before)
	}
	for _, file := range []string{"/usr/bin/puppet-cron", "/etc/puppet-cron/replaced.json", conffile} {
		if n.exists(file) {
			t.Errorf("%s is left", file)
		}
	}
	n.wantNoFailedUnit()
}

// wantMinute holds a time to a minute in the long form, whose tests have the host for themselves: beside three other machines, and
// whatever else a host does, it says nothing.
func wantMinute(t *testing.T, took time.Duration) {
	t.Helper()
	if os.Getenv("SOAK") == "full" && took > time.Minute {
		t.Errorf("from nothing to the first run it took %s; want a minute at most", took)
	}
}

// wantAlone checks that puppet-cron itself finds no other scheduler, and that it serves.
func (n *node) wantAlone() {
	n.t.Helper()
	var status struct {
		Other   []any `json:"other_schedulers"`
		Service struct{ Alive bool }
	}
	n.json(&status, "puppet-cron", "status", "--json")
	if len(status.Other) != 0 || !status.Service.Alive {
		n.t.Errorf("there is not exactly one scheduler: %+v", status)
	}
	if state := n.property("puppet.service", "ActiveState") + n.property("puppet-run.timer", "ActiveState") + n.property("until-boot.timer", "ActiveState"); state != "inactiveinactiveinactive" {
		n.t.Errorf("Puppet's own service and the timers are %s", state)
	}
}

// What is wrong is refused: by its type, with the parameter's name, or by the program, and then the old file stays and counts.
func TestModuleRefuses(t *testing.T) {
	n := moduleNode(t)
	n.converges(class(oldVersion, ""))
	serve := n.pid()
	good := n.MustRun("cat", conffile)

	code, said := n.apply(class(oldVersion, "  check_stale => 'bad',\n"))
	if code != 1 || !strings.Contains(said, "parameter 'check_stale' expects") {
		t.Errorf("a bad parameter: exit code %d\n%s", code, said)
	}
	code, said = n.apply(class(oldVersion, "  schedule_cron => '@hourly',\n"))
	if code != 4 && code != 6 || !strings.Contains(said, "schedule.cron") {
		t.Errorf("a bad configuration: exit code %d\n%s", code, said)
	}
	if now := n.MustRun("cat", conffile); now != good || n.pid() != serve {
		t.Errorf("a bad configuration was put in place, or the service started again:\n%s", now)
	}
	n.wantNoFailedUnit()

	t.Log("where the configuration has the service write, the unit lets it")
	const textfile = "/srv/metrics/puppet_cron.prom"
	n.MustRun("mkdir", "/srv/metrics")
	n.converges(class(oldVersion, "  metrics_textfile => '"+textfile+"',\n  state_dir => '/srv/state',\n"))
	n.Eventually("the service writes elsewhere", func() bool { return n.exists(textfile) && n.exists("/srv/state/schedule.json") })
	n.converges(class(newVersion, ""))
	n.serves(newVersion)
	contains(t, "the drop-in is gone", n.MustRun("ls", "-A", "/etc/systemd/system/puppet-cron.service.d")+".", ".")
}

// The collector by the module, with a password in its file and nowhere else.
func TestModuleCollector(t *testing.T) {
	n := moduleNode(t)
	said := n.converges(`class { 'puppet_cron::collector':
  package_source    => '` + packageFile("puppet-cron-collector", oldVersion) + `',
  database          => Sensitive('postgres://cron:verysecret@127.0.0.1/cron'),
  silence_missed    => 3,
  service_ensure    => 'stopped',
  alerts_webhooks   => [{ 'name' => 'ops', 'url' => 'https://chat.example.com/x', 'secret_file' => '/etc/puppet-cron/ops.secret' }],
  operators_certnames => ['admin.example.com'],
}
`)
	if strings.Contains(said, "verysecret") {
		t.Errorf("the password is told:\n%s", said)
	}
	contains(t, "mode", n.MustRun("stat", "-c", "%a %U %G", "/etc/puppet-cron/collector.yaml"), "640 root puppet-cron-collector")
	contains(t, "as the program reads it", n.MustRun("puppet-cron-collector", "config", "show"), "missed: 3")
	found, _ := n.Run("grep", "-rl", "verysecret", "/var/cache/puppet", "/var/log")
	if found != "" {
		t.Errorf("the password is in %s", found)
	}
	n.converges("class { 'puppet_cron::collector': ensure => absent }\n")
	if n.exists("/usr/bin/puppet-cron-collector") || n.exists("/etc/puppet-cron/collector.yaml") {
		t.Error("the collector is left")
	}
}

// The package by a URL, whose content is checked before anything is installed.
func TestModuleURL(t *testing.T) {
	server := httptest.NewServer(http.FileServer(http.Dir(dist)))
	defer server.Close()
	n := moduleNode(t, "--bind="+forward(t, server.Listener.Addr().(*net.TCPAddr).Port)+":/srv/server")
	n.reaches("/srv/server", 8080)
	content, err := os.ReadFile(deb("puppet-cron", oldVersion, dist))
	if err != nil {
		t.Fatal(err)
	}
	byURL := func(sha256 string) string {
		return fmt.Sprintf("class { 'puppet_cron': package_source => 'http://127.0.0.1:8080/%s', package_sha256 => '%s' }\n",
			filepath.Base(deb("puppet-cron", oldVersion, "")), sha256)
	}
	if code, said := n.apply(byURL(strings.Repeat("0", 64))); code != 4 && code != 6 || n.exists("/usr/bin/puppet-cron") {
		t.Errorf("a package with another checksum: exit code %d\n%s", code, said)
	}
	n.converges(byURL(fmt.Sprintf("%x", sha256.Sum256(content))))
	n.serves(oldVersion)
	n.converges("class { 'puppet_cron': ensure => absent }\n")
	if n.exists("/var/cache/puppet-cron") {
		t.Error("the fetched package is left")
	}
}
