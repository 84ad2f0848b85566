//go:build lab

package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
)

// TestOutcomes: what the catalog does, and what puppet.conf and the caller ask for.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		options  []string          // of puppet-cron's configuration
		before   string            // the scenario of an agent's run before
		settings map[string]string // of puppet.conf, from then on
		scenario string
		args     []string
		want     want
	}{
		{
			name: "unchanged", scenario: "unchanged",
			want: want{outcome: api.Unchanged, source: api.FromServer},
		},
		{
			name: "changed", scenario: "changed",
			want: want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 2},
		},
		{
			name: "failed", scenario: "failed",
			want: want{
				outcome: api.Failed, exit: 4, source: api.FromServer, failed: 1,
				failure: "returned 3", at: "echo boom",
			},
		},
		{
			name: "failed and changed", scenario: "failed_and_changed",
			want: want{
				outcome: api.Failed, exit: 6, source: api.FromServer, failed: 1, changed: 1,
				failure: "returned 1", at: "exec { '/bin/false': }",
			},
		},
		{
			name: "failed restart", scenario: "failed_restart",
			want: want{
				outcome: api.Failed, exit: 6, source: api.FromServer, failed: 1, changed: 1,
				failure: "returned 1", at: "refreshonly => true",
			},
		},
		{
			name: "noop", scenario: "changed", args: []string{"--noop"},
			want: want{outcome: api.Unchanged, source: api.FromServer, pending: 2},
		},
		{
			name: "compile error", scenario: "compile_error", options: []string{"cached_catalog_on_failure: false"}, before: "unchanged",
			want: want{outcome: api.Errored, reason: api.CompileFailed, exit: 1, failure: "deliberate compile failure"},
		},
		{
			name: "compile error without a cached catalog", scenario: "missing_class",
			want: want{outcome: api.Errored, reason: api.CompileFailed, exit: 1, failure: "no::such::klass"},
		},
		{
			name: "compile error with a cached catalog", scenario: "compile_error", before: "unchanged",
			want: want{
				outcome: api.Stale, reason: api.CompileFailed, source: api.FromCacheOnFailure,
				failure: "deliberate compile failure",
			},
		},
		{
			name: "failures of a cached catalog", scenario: "compile_error", before: "failed",
			want: want{
				outcome: api.Failed, exit: 4, source: api.FromCacheOnFailure, failed: 1, corrective: 1,
				failure: "returned 3", at: "echo boom", warning: "those of an old one",
			},
		},
		{
			name: "dependency cycle", scenario: "cycle",
			want: want{
				outcome: api.Errored, reason: api.DependencyCycle, exit: 1, source: api.FromServer, failed: 2,
				failure: "dependency cycle", at: "require => Notify",
			},
		},
		{
			name: "prerun command", scenario: "changed", settings: map[string]string{"prerun_command": "/bin/false"},
			want: want{outcome: api.Errored, reason: api.PrerunFailed, exit: 1, failure: "prerun_command"},
		},
		{
			name: "postrun command", scenario: "changed", settings: map[string]string{"postrun_command": "/bin/false"},
			want: want{
				outcome: api.Failed, reason: api.PostrunFailed, exit: 1, source: api.FromServer, changed: 2,
				failure: "postrun_command",
			},
		},
		{
			name: "unknown environment", scenario: "unchanged", args: []string{"--environment", "nonexistent"},
			want: want{
				outcome: api.Unchanged, source: api.FromServer,
				warning: "environment nonexistent was asked for, production was applied",
			},
		},
		{
			name: "broken environment", scenario: "unchanged", args: []string{"--environment", "broken"},
			want: want{outcome: api.Errored, reason: api.CompileFailed, exit: 1, failure: "Syntax error"},
		},
		{
			name: "no report", scenario: "unchanged", settings: map[string]string{"report": "false"},
			want: want{outcome: api.Unchanged, warning: "report = false"},
		},
		{
			name: "no report of a change", scenario: "changed", settings: map[string]string{"report": "false"},
			want: want{outcome: api.Changed, exit: 2, changed: 2, warning: "report = false"},
		},
		{
			name: "no report of a compile error", scenario: "compile_error", before: "unchanged", settings: map[string]string{"report": "false"},
			want: want{
				outcome: api.Errored, reason: api.CompileFailed, exit: 1,
				failure: "deliberate compile failure", warning: "report = false",
			},
		},
		{
			name: "cached catalog by choice", scenario: "compile_error", before: "unchanged", settings: map[string]string{"use_cached_catalog": "true"},
			want: want{outcome: api.Unchanged, source: api.FromCache},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, c.options...)
			if c.before != "" {
				h.agent(c.before)
			}
			for key, value := range c.settings {
				h.set(key, value)
			}
			r := h.run(c.scenario, c.args...)
			c.want.check(t, r)
			if r.Certname != h.Certname || r.PuppetVersion == "" {
				t.Errorf("certname %q, puppet %q", r.Certname, r.PuppetVersion)
			}
			if t.Failed() {
				t.Logf("%+v\n%s", r, h.output(r.ID))
			}
		})
	}
}

// TestReport: the record says what Puppet's own report says of the same run.
func TestReport(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	r := h.run("changed", "--environment", "staging")
	want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 2}.check(t, r)
	if r.Environment != "staging" || r.EnvironmentRequested != "staging" || r.ConfigVersion != "staging" {
		t.Errorf("environment %q, requested %q, version %q", r.Environment, r.EnvironmentRequested, r.ConfigVersion)
	}
	report := strings.ReplaceAll(h.report(), "'", "") // a UUID that begins with 0 may have quotes
	for _, line := range []string{"job_id: " + r.ID, "catalog_uuid: " + r.Catalog.UUID, "transaction_uuid: " + r.TransactionUUID} {
		if !strings.Contains(report, line+"\n") {
			t.Errorf("no %q in Puppet's report", line)
		}
	}
	if u := r.Usage; u == nil || u.WallS <= 0 || u.CPUS <= 0 || u.MaxRSSBytes < 10<<20 {
		t.Errorf("usage %+v", u)
	}
	if r.TimingsS["total"] <= 0 || r.TimingsS["plugin_sync"] <= 0 {
		t.Errorf("timings %v", r.TimingsS)
	}
	if motd := h.read(filepath.Join(h.Workdir, "motd")); motd != "staging \n" {
		t.Errorf("the staging catalog wrote %q", motd)
	}
}

func (h *host) report() string {
	h.t.Helper()
	return h.read(filepath.Join(h.Statedir, "last_run_report.yaml"))
}

func TestCorrective(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 1}.check(t, h.run("corrective"))
	h.write(filepath.Join(h.Workdir, "fixed"), "drift\n")
	want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 1, corrective: 1}.check(t, h.run("corrective"))
	want{outcome: api.Unchanged, source: api.FromServer}.check(t, h.run("corrective"))
}

// TestNoopByConfiguration: the configuration asks for noop, and the caller has the last word.
func TestNoopByConfiguration(t *testing.T) {
	t.Parallel()
	h := newHost(t, "noop: true")
	motd := filepath.Join(h.Workdir, "motd")
	r := h.run("changed")
	want{outcome: api.Unchanged, source: api.FromServer, pending: 2}.check(t, r)
	if !r.Noop || exists(motd) {
		t.Errorf("noop %v, and the file is there: %v", r.Noop, exists(motd))
	}
	r = h.run("changed", "--noop=false")
	want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 2, corrective: 1}.check(t, r)
	if r.Noop || !exists(motd) {
		t.Errorf("noop %v, and the file is there: %v", r.Noop, exists(motd))
	}
}

// TestWithoutJobID: on Puppet Enterprise the job id is the orchestrator's; the report is known by its times then.
func TestWithoutJobID(t *testing.T) {
	t.Parallel()
	h := newHost(t, "job_id: false")
	want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 2}.check(t, h.run("changed"))
	if strings.Contains(h.report(), "job_id:") {
		t.Error("Puppet was given a job id")
	}
	r := h.run("failed")
	want{
		outcome: api.Failed, exit: 4, source: api.FromServer, failed: 1, failure: "returned 3", at: "echo boom",
	}.check(t, r)
}

func TestDisabled(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.agent("unchanged", "--disable", "the moon is full")
	r := h.run("changed")
	want{outcome: api.Skipped, reason: api.Disabled, exit: noExit}.check(t, r)
	if r.Disabled == nil || r.Disabled.Reason != "the moon is full" || r.Disabled.Since == nil {
		t.Errorf("disabled: %+v", r.Disabled)
	}
	if h.puppetStarted() {
		t.Error("Puppet was started")
	}
	h.agent("unchanged", "--enable")
	want{outcome: api.Unchanged, source: api.FromServer}.check(t, h.run("unchanged"))
}

// TestBadPuppetConf: Puppet cannot read its configuration, at the first run and when it was well before.
func TestBadPuppetConf(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	conf := filepath.Join(h.Confdir, "puppet.conf")
	good := h.read(conf)
	bad := want{outcome: api.Errored, reason: api.PuppetConfig, exit: noExit, failure: "puppet.conf"}
	h.write(conf, good+"this is no setting\n")
	bad.check(t, h.run("unchanged"))
	h.write(conf, good)
	want{outcome: api.Unchanged, source: api.FromServer}.check(t, h.run("unchanged"))
	h.write(conf, good+"[agent\n")
	bad.check(t, h.run("unchanged"))
}

func TestPuppetMissing(t *testing.T) {
	t.Parallel()
	h := newHost(t, "binary: /nonexistent/puppet")
	want{outcome: api.Errored, reason: api.PuppetMissing, exit: noExit}.check(t, h.run("unchanged"))
}

// TestApply: a node without a server.
func TestApply(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, manifest string
		want           want
	}{
		{"unchanged", `exec { '/bin/false': unless => '/bin/true' }`, want{outcome: api.Unchanged}},
		{"changed", `notify { 'hello': }`, want{outcome: api.Changed, exit: 2, changed: 1}},
		{
			"failed", `exec { '/bin/false': }`,
			want{outcome: api.Failed, exit: 4, failed: 1, failure: "returned 1", at: "/bin/false"},
		},
		{
			"compile error", `include no::such::klass`,
			want{outcome: api.Errored, reason: api.CompileFailed, exit: 1, failure: "no::such::klass"},
		},
		{
			"syntax error", `file { '/x': ensure =>`,
			want{outcome: api.Errored, reason: api.CompileFailed, exit: 1, failure: "Syntax error"},
		},
		{
			"cycle", `notify { 'hen': require => Notify['egg'] } notify { 'egg': require => Notify['hen'] }`,
			want{outcome: api.Errored, reason: api.DependencyCycle, exit: 1, failed: 2, failure: "dependency cycle", at: "require"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			manifest := filepath.Join(t.TempDir(), "site.pp")
			h := newHost(t, "command: apply", "manifest: "+manifest)
			h.write(manifest, c.manifest+"\n")
			h.env = []string{"FACTERLIB=" + quietFacts(t)}
			r := h.run("")
			c.want.check(t, r)
			if t.Failed() {
				t.Logf("%+v\n%s", r, h.output(r.ID))
			}
			if exists(filepath.Join(h.Publicdir, "last_run_summary.yaml")) {
				t.Error("the summary of the node's agent was written")
			}
		})
	}
}

// quietFacts is the folder that keeps Facter quiet in containers. The agents get it from the server.
func quietFacts(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../lab/modules/lab/lib/facter")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
