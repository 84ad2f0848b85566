//go:build lab

package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector/alerts"
	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
)

// hostile is what a node may say so that it is shown to people.
const hostile = `"><script>window.pwned=1</script><img src=x onerror="window.pwned=1"><a href="javascript:window.pwned=1">x</a>{{.}}` + "\u202e"

// seed fills a database with a fleet of 160 nodes and a day of theirs, up to now; with odd, there
// are nodes that mean harm, too.
func seed(t *testing.T, dsn string, odd bool) {
	t.Helper()
	if _, _, err := sqlstore.Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	s, err := sqlstore.Open(t.Context(), dsn, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := &history{now: time.Now().UTC().Truncate(time.Second)}
	for minute := -24 * 60; minute < 0; minute++ {
		at := f.now.Add(time.Duration(minute) * time.Minute)
		if runs := f.minute(minute, at); len(runs) > 0 {
			if _, err := s.Put(t.Context(), at, runs); err != nil {
				t.Fatal(err)
			}
		}
	}
	if odd {
		if _, err := s.Put(t.Context(), f.now.Add(-time.Minute), f.odd()); err != nil {
			t.Fatal(err)
		}
	}
	for more := true; more; {
		if _, more, err = s.Tick(t.Context(), f.now, 500); err != nil {
			t.Fatal(err)
		}
	}
	policy := alerts.Policy{GroupShare: 0.02, NewID: f.id}
	for range 3 {
		if err := s.Digest(t.Context(), f.now, func(s *alerts.Situation) alerts.Decision { return policy.Decide(s, f.now) }); err != nil {
			t.Fatal(err)
		}
	}
}

// history makes runs.
type history struct {
	now time.Time
	ids int
}

func (f *history) id() string {
	f.ids++
	return fmt.Sprintf("0198b4a0-0000-7000-8000-%012x", f.ids)
}

const fleetNodes = 160

// minute is the runs of the nodes whose place in the half hour it is.
func (f *history) minute(minute int, at time.Time) (runs []*api.Run) {
	for n := range fleetNodes {
		if (minute+n*7)%30 != 0 || n%40 == 39 && minute > -300 { // some have gone silent
			continue
		}
		runs = append(runs, f.run(n, minute, at))
	}
	return runs
}

func (f *history) run(n, minute int, at time.Time) *api.Run {
	name := fmt.Sprintf("%s%02d.example.com", []string{"web", "db", "app", "cache"}[n%4], n/4)
	next, zone, code := at.Add(30*time.Minute), 3600, 0
	started := at.Add(-time.Duration(8+n%17) * time.Second)
	run := &api.Run{
		Schema: 1, ID: f.id(), Certname: name, Trigger: api.Schedule, Due: &started, Started: &started, Ended: &at,
		Outcome: api.Unchanged, Message: "all 412 resources are as they should be", ExitCode: &code, Environment: []string{"production", "production", "staging"}[n%3],
		ConfigVersion: "1795395999", PuppetVersion: []string{"7.23.0", "8.10.0"}[n%2], AgentVersion: "0.1.0",
		Resources: &api.Resources{Total: 412}, TimingsS: map[string]float64{"config_retrieval": 1.2, "catalog_application": 6, "total": 8.1},
		Usage:    &api.Usage{WallS: at.Sub(started).Seconds(), CPUS: 3, MaxRSSBytes: 120 << 20},
		Schedule: &api.Announce{IntervalS: 1800, NextDue: &next, TimeoutS: 3900, UTCOffsetS: &zone},
	}
	switch {
	case n == 5 && minute > -600:
		run.Outcome, run.Message, run.Resources.Failed = api.Failed, "2 of 412 resources failed", 2
		run.Failures = []api.Failure{
			{Resource: "File[/etc/app/config.yaml]", File: "/etc/puppetlabs/code/environments/production/modules/app/manifests/init.pp", Line: 42, Message: "change from absent to file failed: could not set 'file' on ensure: no space left on device"},
			{Resource: "Service[app]", File: "/etc/puppetlabs/code/environments/production/modules/app/manifests/init.pp", Line: 57, Message: "Skipping because of failed dependencies"},
		}
	case n%23 == 6 && minute > -200:
		run.Outcome, run.Reason, run.Message, run.Resources = api.Errored, api.CompileFailed, "the server could not compile a catalog", nil
		run.Failures = []api.Failure{{Message: "Could not retrieve catalog from remote server: Error 500 on SERVER: Evaluation Error"}}
	case n%31 == 8:
		run.Outcome, run.Reason, run.Message, run.ExitCode = api.Skipped, api.Disabled, "Puppet is disabled", nil
		run.Disabled = &api.DisableInfo{By: "alice", Reason: "migration of the database", Since: &started}
	case (n+minute)%97 == 0:
		run.Outcome, run.Message, run.Resources.Changed, run.Resources.CorrectiveChange = api.Changed, "3 of 412 resources changed", 3, 1
	}
	return run
}

// odd are runs of a node that means harm, of one with long names, and one in the making.
func (f *history) odd() []*api.Run {
	at := f.now.Add(-2 * time.Minute)
	bad := f.run(1, 0, at)
	bad.Certname = "evil-" + hostile
	bad.Outcome, bad.Reason, bad.Message = api.Failed, api.Reason(hostile), hostile
	bad.Environment, bad.PuppetVersion, bad.ConfigVersion = hostile, hostile, hostile
	bad.Warnings = []string{hostile}
	bad.Failures = []api.Failure{{Resource: "File[" + hostile + "]", File: hostile, Line: 1, Message: hostile}}
	bad.Disabled = &api.DisableInfo{By: hostile, Reason: hostile}
	bad.LeftRunning = []api.Process{{PID: 1, Command: hostile}}
	bad.Log = hostile
	long := f.run(2, 0, at)
	long.Certname = "a-name-without-end-" + strings.Repeat("x", 150) + ".example.com"
	begun := &api.Run{Schema: 1, ID: f.id(), Certname: "web00.example.com", Trigger: api.Manual, Started: &f.now}
	return []*api.Run{bad, long, begun}
}
