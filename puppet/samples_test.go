package puppet

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/puppet/report"
)

const sampleDir = "testdata/samples"

// stillRunning is the sample of a Puppet that had not ended: there is nothing to
// classify.
const stillRunning = "sig_hup_exec"

type expected struct {
	outcome                                  api.Outcome
	reason                                   api.Reason
	total, changed, failed, skipped, pending int
	corrective                               int
	source                                   api.CatalogSource
}

// expectations follow from PUPPET.md. What names no source had no catalog.
var expectations = map[string]expected{
	"cert_not_signed":       {outcome: api.Errored, reason: api.Certificate},
	"cert_not_signed_wait0": {outcome: api.Errored, reason: api.Certificate},
	"cert_revoked":          {outcome: api.Errored, reason: api.Certificate},
	"changed":               {outcome: api.Changed, total: 9, changed: 2, source: api.FromServer},
	"compile_error":         {outcome: api.Errored, reason: api.CompileFailed},
	"corrective":            {outcome: api.Changed, total: 8, changed: 1, corrective: 1, source: api.FromServer},
	"disabled":              {outcome: api.Skipped, reason: api.Disabled},
	"disabled_default":      {outcome: api.Skipped, reason: api.Disabled},
	"failed":                {outcome: api.Failed, total: 8, failed: 1, source: api.FromServer},
	"failed_and_changed":    {outcome: api.Failed, total: 10, changed: 1, failed: 1, skipped: 1, source: api.FromServer},
	"failed_no_detailed":    {outcome: api.Failed, total: 8, failed: 1, corrective: 1, source: api.FromServer},
	"lock_empty":            {outcome: api.Unchanged, total: 8, source: api.FromServer},
	"lock_garbage":          {outcome: api.Unchanged, total: 8, source: api.FromServer},
	"lock_held":             {outcome: api.Errored, reason: api.Unknown}, // the runner saw the lock: see TestSilent
	"lock_held_waitforlock": {outcome: api.Unchanged, total: 8, source: api.FromServer},
	"lock_stale_deadpid":    {outcome: api.Unchanged, total: 8, source: api.FromServer},
	"missing_class":         {outcome: api.Errored, reason: api.CompileFailed},
	"noop_pending":          {outcome: api.Unchanged, total: 9, pending: 2, source: api.FromServer},
	"report_server_down":    {outcome: api.Unchanged, total: 8, source: api.FromServer},
	"runtimeout":            {outcome: api.TimedOut, total: 1, source: api.FromServer},
	"server_unknown_host":   {outcome: api.Errored, reason: api.ServerUnreachable},
	"server_unreachable":    {outcome: api.Errored, reason: api.ServerUnreachable},
	"sig_kill_exec":         {outcome: api.Interrupted, reason: api.Killed},
	"sig_kill_group_exec":   {outcome: api.Interrupted, reason: api.Killed},
	"sig_term_boot":         {outcome: api.Interrupted, reason: api.BySignal},
	"sig_term_exec":         {outcome: api.Interrupted, reason: api.BySignal, total: 1, source: api.FromServer},
	"sig_term_facts":        {outcome: api.Interrupted, reason: api.BySignal},
	"sig_term_group_exec":   {outcome: api.Interrupted, reason: api.BySignal, total: 1, source: api.FromServer},
	"sig_term_twice_exec":   {outcome: api.Interrupted, reason: api.BySignal, total: 1, source: api.FromServer},
	"splay":                 {outcome: api.Unchanged, total: 8, source: api.FromServer},
	"unchanged":             {outcome: api.Unchanged, total: 8, source: api.FromServer},
	"usecache_then_test":    {outcome: api.Errored, reason: api.CompileFailed},
	"usecacheonfailure":     {outcome: api.Stale, reason: api.CompileFailed, total: 8, source: api.FromCacheOnFailure},
}

func sampleNames(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir(sampleDir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != stillRunning {
			names = append(names, e.Name())
		}
	}
	return names
}

// sample gathers the evidence of a sample as the runner does: Puppet's places are
// marked, the sample's files come into them, and the exit code says how it ended.
func sample(t testing.TB, name string) Evidence {
	t.Helper()
	dir := filepath.Join(sampleDir, name)
	s := testSettings(t)
	o := Options{Command: Agent}
	started, ended := sampleTimes(t, dir)
	s.Certname = "web01.auto.test"
	if strings.HasPrefix(name, "cert_revoked") {
		s.Certname = "rev.auto.test"
	}
	if strings.HasPrefix(name, "cert_not_signed") {
		s.Certname, s.Hostcert = "unsigned.test", filepath.Join(s.Ssldir, "none.pem")
	}
	command := read(t, dir, "cmd")
	if m := regexp.MustCompile(`--runtimeout (\d+)`).FindStringSubmatch(command); m != nil {
		v, _ := strconv.Atoi(m[1])
		s.Runtimeout = number(v)
	}
	traces := NewTraces(s, o)
	traces.Mark()
	for from, to := range map[string]string{
		"last_run_summary.yaml": s.Lastrunfile, "last_run_report.yaml": s.Lastrunreport,
		"agent_disabled.lock": s.DisabledLock, "agent_catalog_run.lock": s.CatalogRunLock,
	} {
		if data, err := os.ReadFile(filepath.Join(dir, from)); err == nil {
			write(t, to, string(data))
		}
	}
	end := Ending{Started: started, Ended: ended}
	code, err := strconv.Atoi(strings.TrimSpace(read(t, dir, "exitcode")))
	switch {
	case err != nil:
		t.Fatalf("exit code: %v", err)
	case code == -9:
		end.Signal = "SIGKILL"
	case code == -15:
		end.Signal = "SIGTERM"
	default:
		end.ExitCode = &code
	}
	return Gather(end, o, s, traces, []byte(read(t, dir, "stdout")+read(t, dir, "stderr")), probing(NotProbed))
}

// sampleTimes are the run's, from its report and summary; without them any will do.
func sampleTimes(t testing.TB, dir string) (started, ended time.Time) {
	t.Helper()
	started = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)
	ended = started.Add(2 * time.Second)
	if f, err := os.Open(filepath.Join(dir, "last_run_report.yaml")); err == nil {
		defer f.Close()
		r, err := report.Read(f)
		if err != nil {
			t.Fatal(err)
		}
		started = r.Time.Add(-100 * time.Millisecond)
	}
	if f, err := os.Open(filepath.Join(dir, "last_run_summary.yaml")); err == nil {
		defer f.Close()
		s, err := report.ReadSummary(f)
		if err != nil {
			t.Fatal(err)
		}
		ended = s.LastRun.Add(time.Second)
	}
	return started, ended
}

func probing(state ProbeState) func() Probe { return func() Probe { return Probe{State: state} } }

// testSettings are those of a Puppet in a directory of its own.
func testSettings(t testing.TB) *Settings {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	return &Settings{
		Certname: "web01.auto.test", Config: at("puppet.conf"), Vardir: dir, Statedir: dir, Ssldir: dir, Rundir: dir, ClientDatadir: dir,
		Lastrunfile: at("last_run_summary.yaml"), Lastrunreport: at("last_run_report.yaml"),
		CatalogRunLock: at("agent_catalog_run.lock"), DisabledLock: at("agent_disabled.lock"), SSLLock: at("ssl.lock"),
		Server: "puppet", Serverport: 8140, Runtimeout: 3600, Report: true, Usecacheonfailure: true, Environment: "production",
	}
}

// read returns a file of a sample; some have no such file.
func read(t testing.TB, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(data)
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// newRun is a Run before it is filled.
func newRun() *api.Run {
	return &api.Run{
		Schema: 1, ID: "0193f0a0-1111-7222-8333-444455556666", Certname: "web01.auto.test", Trigger: api.Schedule,
		Started: new(time.Now()), Ended: new(time.Now()),
	}
}

func filled(t testing.TB, e Evidence) (*api.Run, Verdict) {
	t.Helper()
	v := Classify(e)
	run := newRun()
	e.Fill(run, v)
	run.Bound()
	if err := run.Validate(); err != nil {
		t.Errorf("the run is not valid: %v", err)
	}
	if !v.Outcome.Known() {
		t.Errorf("outcome %q is none", v.Outcome)
	}
	if v.Message == "" || strings.ContainsAny(v.Message, "\n\x1b") {
		t.Errorf("message %q", v.Message)
	}
	return run, v
}

func TestSamples(t *testing.T) {
	names := sampleNames(t)
	if len(names) != len(expectations) {
		t.Errorf("%d samples, %d expectations", len(names), len(expectations))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			want := expectations[name]
			run, v := filled(t, sample(t, name))
			got := expected{outcome: v.Outcome, reason: v.Reason, pending: run.Pending}
			if r := run.Resources; r != nil {
				got.total, got.changed, got.failed, got.skipped, got.corrective = r.Total, r.Changed, r.Failed, r.Skipped, r.CorrectiveChange
			}
			if run.Catalog != nil {
				got.source = run.Catalog.Source
			}
			if got != want {
				t.Errorf("got  %+v\nwant %+v\n%s", got, want, v.Message)
			}
			if (run.Resources != nil) != (read(t, filepath.Join(sampleDir, name), "last_run_summary.yaml") != "") {
				t.Errorf("resources %+v are invented or lost", run.Resources)
			}
		})
	}
}

// What the server is like after the run is no reason to think otherwise of a run
// that says itself why it had no catalog.
func TestSamplesWhateverTheServerIsLikeNow(t *testing.T) {
	for _, name := range sampleNames(t) {
		for _, state := range []ProbeState{Answers, Unreachable} {
			e := sample(t, name)
			if expectations[name].reason == api.Unknown {
				continue
			}
			e.Probe = probing(state)
			if v := Classify(e); v.Outcome != expectations[name].outcome || v.Reason != expectations[name].reason {
				t.Errorf("%s, probe %d: %s/%s", name, state, v.Outcome, v.Reason)
			}
		}
	}
}

// No words at all: as if Puppet spoke a language that nobody here understands.
func TestSamplesTranslated(t *testing.T) {
	state := map[string]ProbeState{
		"cert_revoked": Refuses, "server_unknown_host": Unreachable, "server_unreachable": Unreachable,
	}
	for _, name := range sampleNames(t) {
		e := sample(t, name)
		mute(&e)
		e.Probe = probing(Answers)
		if s, ok := state[name]; ok {
			e.Probe = probing(s)
		}
		if v := Classify(e); v.Outcome != expectations[name].outcome || v.Reason != expectations[name].reason {
			t.Errorf("%s: %s/%s, want %s/%s", name, v.Outcome, v.Reason, expectations[name].outcome, expectations[name].reason)
		}
	}
}

func mute(e *Evidence) {
	e.Output = []byte("Fehler: 実行できません\n")
	if e.Report != nil {
		for i := range e.Report.Errors {
			e.Report.Errors[i].Message = "実行できません"
		}
	}
}

// A report can be lost, or switched off. The outcome may only get worse.
func TestSamplesBySummaryAlone(t *testing.T) {
	for _, name := range sampleNames(t) {
		e := sample(t, name)
		e.Report = nil
		want := expectations[name].outcome
		switch v := Classify(e); {
		case want.Healthy() || want == api.Stale:
			if v.Outcome != api.Stale || v.Reason != api.NoReport {
				t.Errorf("%s: %s/%s although the catalog may be an old one", name, v.Outcome, v.Reason)
			}
		case v.Outcome != want || v.Reason != expectations[name].reason:
			t.Errorf("%s: %s/%s, want %s/%s", name, v.Outcome, v.Reason, want, expectations[name].reason)
		}
		for proof, with := range map[string]func(*Evidence){
			"a new catalog":    func(e *Evidence) { e.FreshCatalog = true },
			"no cache allowed": func(e *Evidence) { e.NoCacheFallback = true },
		} {
			proved := e
			with(&proved)
			if v := Classify(proved); want.Healthy() && v.Outcome != want {
				t.Errorf("%s with %s: %s", name, proof, v.Outcome)
			}
		}
	}
}

// Without the exit code, as an adopted run is, nothing looks better.
func TestSamplesAdopted(t *testing.T) {
	for _, name := range sampleNames(t) {
		e := sample(t, name)
		e.ExitCode, e.Signal, e.Adopted = nil, "", true
		want := expectations[name]
		v := Classify(e)
		switch {
		case e.silent():
			want = expected{outcome: api.Interrupted, reason: api.Killed}
		case want.outcome == api.Interrupted:
			want.reason = api.BySignal
		}
		if v.Outcome != want.outcome || v.Reason != want.reason {
			t.Errorf("%s: %s/%s, want %s/%s", name, v.Outcome, v.Reason, want.outcome, want.reason)
		}
	}
}

func TestNoCatalogIsNeverHealthy(t *testing.T) {
	for _, name := range sampleNames(t) {
		full := sample(t, name)
		for _, code := range []*int{nil, new(0), new(1), new(2), new(4), new(6), new(255)} {
			for _, without := range []string{"", "report", "summary", "both"} {
				e := full
				e.ExitCode = code
				if without == "report" || without == "both" {
					e.Report = nil
				}
				if without == "summary" || without == "both" {
					e.Summary = nil
				}
				applied := !e.silent() && e.completed()
				if v := Classify(e); v.Outcome.Healthy() && !applied {
					t.Errorf("%s, exit code %v, without %s: %s", name, code, without, v.Outcome)
				}
			}
		}
	}
}

func TestSilent(t *testing.T) {
	silent := map[string]bool{
		"cert_not_signed": true, "cert_not_signed_wait0": true, "disabled": true, "disabled_default": true, "lock_held": true,
	}
	for _, name := range sampleNames(t) {
		e := sample(t, name)
		if e.Silent() != silent[name] {
			t.Errorf("%s: silent %v", name, e.Silent())
		}
	}
}

// Between its summary and its report, another agent looks like the one that it kept off.
func TestSilentBesideAnother(t *testing.T) {
	e := sample(t, "unchanged")
	e.ExitCode, e.Report = new(1), nil
	if !e.Silent() {
		t.Error("a summary alone was taken for the run's own")
	}
	e.Command = Apply // its summary is in a place of its own
	if e.Silent() {
		t.Error("the run's own summary was taken for another's")
	}
}

func TestDisabledSample(t *testing.T) {
	run, _ := filled(t, sample(t, "disabled"))
	if run.Disabled == nil || run.Disabled.Reason != `maintenance: ticket 42 "quoted" é` || run.ExitCode != nil {
		t.Errorf("disabled %+v, exit code %v", run.Disabled, run.ExitCode)
	}
}

func TestFailuresAreNamed(t *testing.T) {
	for name, want := range map[string]string{
		"failed":                "returned 3 instead of one of [0]",
		"compile_error":         "deliberate compile failure",
		"server_unreachable":    "Connection refused",
		"cert_not_signed":       "Couldn't fetch certificate",
		"sig_term_exec":         "",
		"unchanged":             "",
		"report_server_down":    "",
		"failed_no_detailed":    "Exec[/bin/sh -c \"echo boom >&2; exit 3\"]",
		"usecacheonfailure":     "deliberate compile failure",
		"cert_revoked":          "certificate unknown",
		"sig_kill_group_exec":   "",
		"lock_held_waitforlock": "",
	} {
		run, _ := filled(t, sample(t, name))
		all := fmt.Sprintf("%+v", run.Failures)
		if (want == "") != (len(run.Failures) == 0) || !strings.Contains(all, want) {
			t.Errorf("%s: %s", name, all)
		}
		if strings.Contains(all, "\x1b") {
			t.Errorf("%s: colours in %q", name, all)
		}
	}
}
