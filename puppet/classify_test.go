package puppet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/puppet/report"
)

// change makes another case out of a sample.
type change func(*Evidence)

func exit(code int) change  { return func(e *Evidence) { e.ExitCode = &code } }
func noExit(e *Evidence)    { e.ExitCode = nil }
func noReport(e *Evidence)  { e.Report = nil }
func noSummary(e *Evidence) { e.Summary = nil }
func noOutput(e *Evidence)  { e.Output = nil }
func rebooted(e *Evidence)  { e.Rebooted = true }

func leavesNothing(e *Evidence) { e.Report, e.Summary = nil, nil }

func adopted(e *Evidence) { e.Adopted, e.ExitCode, e.Signal = true, nil, "" }

func prints(s string) change { return func(e *Evidence) { e.Output = []byte(s) } }

func probed(s ProbeState) change { return func(e *Evidence) { e.Probe = probing(s) } }

func weStopped(s Stop) change { return func(e *Evidence) { e.Stopped = s } }

func signalled(s string) change { return func(e *Evidence) { e.Signal, e.ExitCode = s, nil } }

// logs gives the report other errors, and the output too.
func logs(messages ...string) change {
	return func(e *Evidence) {
		e.Output = nil
		for _, m := range messages {
			e.Output = append(e.Output, "Error: "+m+"\n"...)
		}
		if e.Report == nil {
			return
		}
		e.Report.Errors = nil
		for _, m := range messages {
			e.Report.Errors = append(e.Report.Errors, report.LogLine{Level: "err", Message: m, Source: "Puppet"})
		}
	}
}

func counts(category, name string, n int) change {
	return func(e *Evidence) {
		if e.Report != nil {
			e.Report.Metrics[category][name] = float64(n)
		}
		switch {
		case e.Summary == nil:
		case category == "changes":
			e.Summary.Changes = n
		case category == "resources":
			e.Summary.Resources[name] = n
		}
	}
}

func takes(name string, seconds float64) change {
	return func(e *Evidence) {
		for _, times := range timesOf(e) {
			times[name] = seconds
		}
	}
}

func without(names ...string) change {
	return func(e *Evidence) {
		for _, times := range timesOf(e) {
			for _, name := range names {
				delete(times, name)
			}
		}
	}
}

func timesOf(e *Evidence) []map[string]float64 {
	var all []map[string]float64
	if e.Report != nil {
		all = append(all, e.Report.Metrics["time"])
	}
	if e.Summary != nil {
		all = append(all, e.Summary.Times)
	}
	return all
}

func status(s string) change { return func(e *Evidence) { e.Report.Status = s } }

func fromCache(s string) change { return func(e *Evidence) { e.Report.CachedCatalogStatus = s } }

const (
	refused     = "Failed to open TCP connection to puppet:8140 (Connection refused - connect(2) for \"puppet\" port 8140)"
	puppetDB    = "Could not retrieve catalog from remote server: Error 500 on SERVER: Server Error: Failed to submit 'replace facts' command for web01 to PuppetDB at puppetdb:8081: Connection refused"
	busy        = "Could not retrieve catalog from remote server: Error 503 on SERVER: Service Unavailable"
	skippingRun = "Could not retrieve catalog; skipping run"
)

// TestCases goes through PUPPET.md's table of exit codes and other cases that have
// no sample.
func TestCases(t *testing.T) {
	for _, c := range []struct {
		name    string
		sample  string
		changes []change
		outcome api.Outcome
		reason  api.Reason
	}{
		{"first_run", "changed", nil, api.Changed, ""},
		{"plain exit code hides failures and changes", "failed_and_changed", []change{exit(0)}, api.Failed, ""},
		{"plain exit code hides changes", "changed", []change{exit(0)}, api.Changed, ""},
		{"failed_restart", "changed", []change{exit(6), status("failed"), counts("resources", "failed_to_restart", 1)}, api.Failed, ""},
		{"failed_restart, plain exit code", "changed", []change{exit(0), status("failed"), counts("resources", "failed_to_restart", 1)}, api.Failed, ""},
		{"failed_restart, no report", "changed", []change{exit(0), noReport, counts("resources", "failed_to_restart", 1)}, api.Failed, ""},
		{"resources failed to generate", "unchanged", []change{status("failed")}, api.Failed, ""},
		{"resources failed to generate, others changed", "changed", []change{status("failed")}, api.Failed, ""},
		{"failed under noop", "noop_pending", []change{exit(4), status("failed"), counts("resources", "failed", 1)}, api.Failed, ""},
		{"noop_corrective", "noop_pending", []change{counts("resources", "corrective_change", 1)}, api.Unchanged, ""},
		{"exit code 2 and no change counted", "unchanged", []change{exit(2)}, api.Changed, ""},
		{"postrun_command", "unchanged", []change{exit(1)}, api.Failed, api.PostrunFailed},
		{"postrun_command after changes", "changed", []change{exit(1)}, api.Failed, api.PostrunFailed},
		{"postrun_command, no report", "changed", []change{exit(1), noReport}, api.Failed, api.PostrunFailed},
		{"runtimeout while the report is sent", "changed", []change{exit(1), noReport, takes("total", 3601)}, api.TimedOut, ""},
		{"metrics missing", "unchanged", []change{exit(255)}, api.Errored, api.Unknown},
		{"exit code that Puppet does not have", "unchanged", []change{exit(77)}, api.Errored, api.Unknown},
		{"out of memory in Ruby", "lock_held", []change{exit(254), noOutput}, api.Errored, api.Unknown},

		{"syntax_error_env", "compile_error", []change{logs("Could not retrieve catalog from remote server: Error 500 on SERVER: Server Error: Syntax error at end of input", skippingRun)}, api.Errored, api.CompileFailed},
		{"a certificate in a compile error", "compile_error", []change{logs("Error 500 on SERVER: Server Error: Evaluation Error: Resource type not found: Certificate", skippingRun)}, api.Errored, api.CompileFailed},
		{"a refused connection in a compile error", "compile_error", []change{logs("Error 500 on SERVER: Server Error: Evaluation Error: hiera: "+refused, skippingRun)}, api.Errored, api.CompileFailed},
		{"puppetdb_down", "compile_error", []change{logs(puppetDB, skippingRun), probed(Answers)}, api.Errored, api.CompileFailed},
		{"puppetdb_down, server gone since", "compile_error", []change{logs(puppetDB, skippingRun), probed(Unreachable)}, api.Errored, api.CompileFailed},
		{"compile error, no plugins wanted", "compile_error", []change{without("plugin_sync"), probed(Unreachable)}, api.Errored, api.CompileFailed},
		{"compile error in another language", "compile_error", []change{mute, probed(Unreachable)}, api.Errored, api.CompileFailed},
		{"facts failed", "compile_error", []change{without("fact_generation"), logs("実行できません"), probed(Answers)}, api.Errored, api.Unknown},
		{"facts failed, server gone since", "compile_error", []change{without("fact_generation"), logs("実行できません"), probed(Unreachable)}, api.Errored, api.Unknown},
		{"no environment there", "compile_error", []change{logs("Could not retrieve catalog from remote server: Error 404 on SERVER: Not Found: Could not find environment 'nonexistent'", skippingRun)}, api.Errored, api.CompileFailed},
		{"no configuration of its own", "compile_error", []change{logs("Could not parse configuration file /etc/hiera.yaml"), probed(Answers)}, api.Errored, api.CompileFailed},

		{"server_starting", "server_unreachable", []change{probed(Answers)}, api.Errored, api.ServerUnreachable},
		{"server_starting, 503", "server_unreachable", []change{logs(busy, skippingRun), probed(Answers)}, api.Errored, api.ServerBusy},
		{"503 after the plugins", "compile_error", []change{logs(busy, skippingRun)}, api.Errored, api.ServerBusy},
		{"503 in another language", "server_unreachable", []change{mute, probed(Busy)}, api.Errored, api.ServerBusy},
		{"503 after the plugins in another language", "compile_error", []change{mute, probed(Busy)}, api.Errored, api.ServerBusy},
		{"load balancer without servers", "server_unreachable", []change{logs("Error 502 on SERVER: Bad Gateway", skippingRun)}, api.Errored, api.ServerBusy},
		{"server_hang", "server_unreachable", []change{logs("Request to https://puppet:8140/puppet/v3 timed out read operation after 3.003 seconds", skippingRun)}, api.Errored, api.ServerUnreachable},
		{"server_hang in another language", "server_unreachable", []change{mute, probed(Unreachable)}, api.Errored, api.ServerUnreachable},
		{"server down, nothing else known", "server_unreachable", []change{mute, probed(NotProbed)}, api.Errored, api.Unknown},
		{"server of before, well again", "server_unreachable", []change{mute, probed(Answers)}, api.Errored, api.Unknown},
		{"server hung up", "server_unreachable", []change{logs("SSL_connect SYSCALL returned=5 errno=0 state=SSLv3/TLS write client hello", skippingRun)}, api.Errored, api.ServerUnreachable},
		{"server_unreachable_usecache", "usecacheonfailure", []change{without("plugin_sync"), logs(refused, "Could not retrieve catalog from remote server: No more routes to puppet")}, api.Stale, api.ServerUnreachable},
		{"server_unreachable_usecache, changes", "changed", []change{fromCache("on_failure"), without("plugin_sync"), logs(refused)}, api.Stale, api.ServerUnreachable},
		{"server_unreachable_usecache in another language", "usecacheonfailure", []change{without("plugin_sync"), mute, probed(Unreachable)}, api.Stale, api.ServerUnreachable},
		{"cached catalog, reason unknown", "usecacheonfailure", []change{without("plugin_sync"), mute, probed(Answers)}, api.Stale, api.Unknown},
		{"cached catalog with failures", "failed", []change{fromCache("on_failure")}, api.Failed, ""},
		{"cached catalog as asked for", "unchanged", []change{fromCache("explicitly_requested")}, api.Unchanged, ""},
		{"report_server_down_changed", "changed", []change{prints("Error: Could not send report: No more routes to report\n")}, api.Changed, ""},
		{"server_list is exhausted", "lock_held", []change{prints("Error: Could not run Puppet configuration client: Could not select a functional puppet server from server_list: 'a,b'\n")}, api.Errored, api.ServerUnreachable},
		{"server_list is exhausted, in another language", "lock_held", []change{prints("実行できません\n"), probed(Unreachable)}, api.Errored, api.ServerUnreachable},

		{"cert_revoked_second", "lock_held", []change{prints("Error: Certificate 'CN=rev' is revoked\n")}, api.Errored, api.Certificate},
		{"certificate expired", "lock_held", []change{prints("実行できません\n"), func(e *Evidence) { e.Certificate = errors.New("ended") }}, api.Errored, api.Certificate},
		{"certificate gone after a run that had one", "compile_error", []change{mute, func(e *Evidence) { e.Certificate = errors.New("gone") }}, api.Errored, api.CompileFailed},
		{"no certificate yet and no CA", "cert_not_signed", []change{prints("Error: Request to https://puppet:8140/puppet-ca/v1/certificate/ca failed: " + refused + "\n"), probed(Unreachable)}, api.Errored, api.ServerUnreachable},
		{"wrong CA", "server_unreachable", []change{logs("certificate verify failed [unable to get local issuer certificate]", "No more routes to puppet")}, api.Errored, api.Certificate},
		{"wrong CA in another language", "server_unreachable", []change{mute, probed(Refuses)}, api.Errored, api.Certificate},

		{"bad puppet.conf", "lock_held", []change{prints("Error: Could not parse configuration file: Illegal line 'x'\n"), probed(Unreachable)}, api.Errored, api.PuppetConfig},
		{"bad option", "lock_held", []change{prints("Error: Could not parse application options: invalid option: --configtimeout\n")}, api.Errored, api.PuppetConfig},
		{"bad puppet.conf prints nothing", "lock_held", []change{noOutput, probed(Answers)}, api.Errored, api.Unknown},
		{"a colourful error", "lock_held", []change{prints("\x1b[0;32mInfo: Refreshing CA certificate\x1b[0m\n\x1b[1;31mError: invalid option: --x\x1b[0m\n")}, api.Errored, api.PuppetConfig},
		{"only information", "lock_held", []change{prints("\x1b[0;32mInfo: Refreshing CA certificate\x1b[0m\nInfo: Refreshed CA certificate\n"), probed(Answers)}, api.Errored, api.Unknown},
		{"vardir_full", "lock_held", []change{prints("Error: Could not run Puppet configuration client: No space left on device @ io_write\n"), probed(Unreachable)}, api.Errored, api.Unknown},
		{"vardir_full, exit code 0", "lock_held", []change{exit(0)}, api.Errored, api.NoReport},
		{"vardir_full, exit code 2", "lock_held", []change{exit(2)}, api.Errored, api.NoReport},
		{"disk full when the catalog is kept", "compile_error", []change{takes("convert_catalog", 0.1), logs("Failed to apply catalog: No space left on device @ io_write")}, api.Errored, api.Unknown},
		{"--onetime that went to the background", "lock_held", []change{exit(0), noOutput}, api.Errored, api.NoReport},
		{"lock_held_maxwait", "lock_held", []change{prints("Exiting now because the maxwaitforlock timeout has been exceeded.\n"), probed(Answers)}, api.Errored, api.Unknown},
		{"lock_pid_reused", "lock_stale_deadpid", nil, api.Unchanged, ""},

		{"prerun_command", "compile_error", []change{takes("convert_catalog", 0.1), logs("Could not run command from prerun_command: Execution of '/bin/x' returned 1: Connection refused")}, api.Errored, api.PrerunFailed},
		{"prerun_command in another language", "compile_error", []change{takes("convert_catalog", 0.1), mute, probed(Answers)}, api.Errored, api.PrerunFailed},
		{"prerun_command in another language, cached catalog", "compile_error", []change{takes("convert_catalog", 0.1), logs(refused, "実行できません")}, api.Errored, api.PrerunFailed},
		{"prerun_command, no report", "compile_error", []change{takes("convert_catalog", 0.1), noReport, noOutput}, api.Errored, api.PrerunFailed},
		{"dependency cycle", "sig_term_exec", []change{exit(1), counts("resources", "failed", 2)}, api.Errored, api.DependencyCycle},
		{"dependency cycle, no report", "sig_term_exec", []change{exit(1), counts("resources", "failed", 2), noReport}, api.Errored, api.DependencyCycle},
		{"broken pipe", "sig_term_exec", []change{exit(1), logs("Failed to apply catalog: Broken pipe")}, api.Errored, api.Unknown},
		{"failures, then it gave up", "sig_term_exec", []change{exit(1), counts("resources", "failed", 2), takes("exec", 1), logs("Connection refused")}, api.Errored, api.Unknown},
		{"runtimeout before there was a catalog", "compile_error", []change{mute, takes("total", 3601), takes("startup_time", 0.5)}, api.TimedOut, ""},
		{"compile error after a long start", "compile_error", []change{takes("total", 3601), takes("startup_time", 30)}, api.Errored, api.CompileFailed},
		{"runtimeout, no report", "runtimeout", []change{noReport}, api.TimedOut, ""},
		{"runtimeout, adopted", "runtimeout", []change{adopted}, api.TimedOut, ""},
		{"a limit that was not reached", "runtimeout", []change{func(e *Evidence) { e.Settings.Runtimeout = 3600 }}, api.Errored, api.Unknown},
		{"no limit", "runtimeout", []change{func(e *Evidence) { e.Settings.Runtimeout = 0 }}, api.Errored, api.Unknown},
		{"settings not known", "runtimeout", []change{func(e *Evidence) { e.Settings = nil }}, api.Errored, api.Unknown},

		{"sig_int_exec", "sig_term_exec", nil, api.Interrupted, api.BySignal},
		{"sig_term_slow10", "sig_term_exec", []change{noReport}, api.Interrupted, api.BySignal},
		{"sig_term_retrieve", "compile_error", []change{exit(0), logs()}, api.Interrupted, api.BySignal},
		{"TERM after the last resource", "changed", nil, api.Changed, ""},
		{"behind a shell", "lock_held", []change{exit(143)}, api.Interrupted, api.BySignal},
		{"behind a shell, killed", "lock_held", []change{exit(137)}, api.Interrupted, api.Killed},
		{"behind a shell, killed while it sent its report", "unchanged", []change{exit(137), noReport}, api.Interrupted, api.Killed},
		{"HUP before Puppet minds signals", "sig_term_boot", []change{signalled("SIGHUP")}, api.Interrupted, api.BySignal},
		{"crashed", "sig_kill_exec", []change{signalled("SIGSEGV")}, api.Errored, api.Unknown},
		{"killed by the kernel", "sig_kill_exec", []change{func(e *Evidence) { e.OOM = true }}, api.Interrupted, api.OOM},
		{"TERM in Ruby's boot", "lock_held", []change{prints("Error: Could not initialize global default settings: SIGTERM\n"), probed(Unreachable)}, api.Errored, api.Unknown},

		{"deadline", "sig_term_exec", []change{weStopped(ByDeadline)}, api.TimedOut, ""},
		{"deadline, killed", "sig_kill_exec", []change{weStopped(ByDeadline)}, api.TimedOut, ""},
		{"deadline as it ended", "changed", []change{weStopped(ByDeadline)}, api.TimedOut, ""},
		{"told to stop", "sig_term_exec", []change{weStopped(BySignal)}, api.Interrupted, api.BySignal},
		{"the system stops", "unchanged", []change{weStopped(AtSystemStop)}, api.Interrupted, api.ByShutdown},

		{"adopted and lost", "unchanged", []change{adopted, leavesNothing}, api.Interrupted, api.Killed},
		{"power loss", "unchanged", []change{adopted, rebooted, leavesNothing}, api.Interrupted, api.PowerLoss},
		{"shutdown", "sig_term_exec", []change{adopted, rebooted}, api.Interrupted, api.ByShutdown},
		{"done before the power was lost", "unchanged", []change{adopted, rebooted}, api.Unchanged, ""},
		{"compile error before the power was lost", "compile_error", []change{adopted, rebooted}, api.Errored, api.CompileFailed},
		{"no exit code, not adopted", "sig_term_exec", []change{noExit}, api.Errored, api.Unknown},
		{"report only", "changed", []change{noSummary}, api.Changed, ""},
		{"report only, failed", "failed", []change{noSummary, exit(0)}, api.Failed, ""},

		{"could not be started", "sig_term_boot", []change{func(e *Evidence) { e.StartErr = fs.ErrPermission }}, api.Errored, api.StartFailed},
		{"no Puppet", "sig_term_boot", []change{func(e *Evidence) { e.StartErr = fmt.Errorf("x: %w", ErrMissing) }}, api.Errored, api.PuppetMissing},
		{"no settings", "sig_term_boot", []change{func(e *Evidence) { e.SettingsErr = ErrSettings }}, api.Errored, api.PuppetConfig},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := sample(t, c.sample)
			for _, change := range c.changes {
				change(&e)
			}
			if _, v := filled(t, e); v.Outcome != c.outcome || v.Reason != c.reason {
				t.Errorf("%s/%s (%s), want %s/%s", v.Outcome, v.Reason, v.Message, c.outcome, c.reason)
			}
		})
	}
}

// Real runs of apply.
func TestApplyRuns(t *testing.T) {
	for name, want := range map[string]expected{
		"prerun":  {outcome: api.Errored, reason: api.PrerunFailed},
		"postrun": {outcome: api.Failed, reason: api.PostrunFailed, changed: 1},
		"cycle":   {outcome: api.Errored, reason: api.DependencyCycle, failed: 2},
		"syntax":  {outcome: api.Errored, reason: api.CompileFailed},
		"changed": {outcome: api.Changed, changed: 1},
	} {
		dir := filepath.Join("testdata/apply", name)
		s := testSettings(t)
		o := Options{Command: Apply, SummaryFile: s.Lastrunfile, ReportFile: s.Lastrunreport}
		traces := NewTraces(s, o)
		traces.Mark()
		for _, file := range []string{"last_run_summary.yaml", "last_run_report.yaml"} {
			if content := read(t, dir, file); content != "" {
				write(t, filepath.Join(s.Statedir, file), content)
			}
		}
		write(t, s.DisabledLock, "{}") // apply does not care
		code, err := strconv.Atoi(strings.TrimSpace(read(t, dir, "exitcode")))
		if err != nil {
			t.Fatal(err)
		}
		end := Ending{Started: time.Now(), Ended: time.Now(), ExitCode: &code}
		ask := func() Probe { t.Error("there is no server to ask"); return Probe{} }
		e := Gather(end, o, s, traces, []byte(read(t, dir, "stdout")+read(t, dir, "stderr")), ask)
		run, v := filled(t, e)
		got := expected{outcome: v.Outcome, reason: v.Reason}
		if run.Resources != nil {
			got.changed, got.failed = run.Resources.Changed, run.Resources.Failed
		}
		if got != want {
			t.Errorf("%s: got %+v, want %+v: %s", name, got, want, v.Message)
		}
		if run.Catalog != nil && run.Catalog.Source != "" {
			t.Errorf("%s: a catalog of apply's has the source %q", name, run.Catalog.Source)
		}
	}
}

// The reports of other versions of Puppet and of OpenVox.
func TestOtherFormats(t *testing.T) {
	for file, want := range map[string]struct {
		exit    int
		outcome api.Outcome
	}{
		// Before Puppet 5.5 nothing tells whether the catalog was applied to its end.
		"format4_puppet3.yaml":   {0, api.Interrupted},
		"format7_puppet5.yaml":   {0, api.Interrupted},
		"format10_puppet6.yaml":  {2, api.Changed},
		"format11_puppet6.yaml":  {1, api.Errored},
		"format12_openvox8.yaml": {0, api.Unchanged},
		"report.json":            {6, api.Failed},
	} {
		f, err := os.Open(filepath.Join("report/testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		r, err := report.Read(f)
		f.Close()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		e := Evidence{Ending: Ending{Started: r.Time, Ended: r.Time.Add(time.Minute), ExitCode: &want.exit}, Command: Agent, Report: r}
		if _, v := filled(t, e); v.Outcome != want.outcome {
			t.Errorf("%s: %s/%s, want %s", file, v.Outcome, v.Reason, want.outcome)
		}
	}
}

func TestEnvironmentWarnings(t *testing.T) {
	for _, c := range []struct {
		sample, asked string
		warned        bool
	}{
		{"unchanged", "nonexistent", true},
		{"unchanged", "production", false},
		{"unchanged", "", false},
		{"failed", "staging", true},
		{"compile_error", "staging", false}, // nothing was applied
	} {
		e := sample(t, c.sample)
		e.EnvironmentRequested = c.asked
		run, v := filled(t, e)
		if warned := strings.Contains(strings.Join(run.Warnings, "\n"), "was applied"); warned != c.warned {
			t.Errorf("%s in %q: warnings %q", c.sample, c.asked, run.Warnings)
		}
		if v.Outcome != expectations[c.sample].outcome || run.EnvironmentRequested != c.asked {
			t.Errorf("%s in %q: %s", c.sample, c.asked, v.Outcome)
		}
	}
}

func TestOtherWarnings(t *testing.T) {
	for _, c := range []struct {
		sample string
		change change
		words  string
	}{
		{"failed", fromCache("on_failure"), "those of an old one"},
		{"unchanged", adopted, "exit code is not known"},
		{"unchanged", func(e *Evidence) { e.Settings.Report = false }, "report = false"},
		{"unchanged", func(e *Evidence) { e.Problems = []string{"a broken file"} }, "a broken file"},
	} {
		e := sample(t, c.sample)
		if run, _ := filled(t, e); len(run.Warnings) != 0 {
			t.Errorf("%s: warnings %q", c.sample, run.Warnings)
		}
		c.change(&e)
		if run, _ := filled(t, e); len(run.Warnings) != 1 || !strings.Contains(run.Warnings[0], c.words) {
			t.Errorf("%s: warnings %q, want %q", c.sample, run.Warnings, c.words)
		}
	}
}

func TestNoopFacts(t *testing.T) {
	run, _ := filled(t, sample(t, "noop_pending"))
	if !run.Noop || run.Pending != 2 || !strings.Contains(run.Message, "2") {
		t.Errorf("noop %v, pending %d: %s", run.Noop, run.Pending, run.Message)
	}
}

func TestFillLeavesTheEvidenceAlone(t *testing.T) {
	e := sample(t, "changed")
	run := newRun()
	e.Fill(run, Classify(e))
	clear(run.TimingsS)
	if len(e.timings()) == 0 {
		t.Error("the run's timings are the evidence's")
	}
}

// said marks what Puppet printed.
const said = "PUPPET-SAID-SO"

func drawEvidence(t *rapid.T) Evidence {
	boolean := func(name string) bool { return rapid.Bool().Draw(t, name) }
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	e := Evidence{
		Ending: Ending{
			Started: start, Ended: start.Add(time.Duration(rapid.IntRange(-10, 5000).Draw(t, "seconds")) * time.Second),
			Signal:  rapid.SampledFrom([]string{"", "", "", "SIGKILL", "SIGTERM", "SIGSEGV"}).Draw(t, "signal"),
			Stopped: rapid.SampledFrom([]Stop{NotStopped, NotStopped, NotStopped, ByDeadline, BySignal, AtSystemStop}).Draw(t, "stopped"),
			Adopted: boolean("adopted"), Rebooted: boolean("rebooted"), OOM: boolean("oom"),
		},
		Command:      rapid.SampledFrom([]Command{Agent, Apply}).Draw(t, "command"),
		FreshCatalog: boolean("fresh"), NoCacheFallback: boolean("no fallback"),
		EnvironmentRequested: rapid.SampledFrom([]string{"", "production", "staging"}).Draw(t, "environment"),
	}
	if boolean("has exit code") {
		e.ExitCode = new(rapid.OneOf(rapid.SampledFrom([]int{0, 1, 2, 4, 6}), rapid.IntRange(-1, 255)).Draw(t, "exit code"))
	}
	if boolean("has settings") {
		e.Settings = &Settings{
			Runtimeout: number(rapid.IntRange(0, 3600).Draw(t, "runtimeout")), Report: flag(boolean("report")),
			UseCachedCatalog: flag(boolean("use_cached_catalog")),
		}
	}
	if rapid.IntRange(0, 9).Draw(t, "trouble") == 0 {
		e.StartErr = fs.ErrPermission
	}
	if boolean("disabled") {
		e.Disabled = &api.DisableInfo{Reason: rapid.String().Draw(t, "disabled because")}
	}
	if boolean("certificate") {
		e.Certificate = errors.New("ended")
	}
	if boolean("probe") {
		e.Probe = probing(ProbeState(rapid.IntRange(0, 4).Draw(t, "state")))
	}
	e.Output = []byte("Error: " + said + drawWords(t) + "\n" + rapid.String().Draw(t, "output"))
	if boolean("has summary") {
		e.Summary = drawSummary(t)
	}
	if boolean("has report") {
		e.Report = drawReport(t)
	}
	return e
}

func drawWords(t *rapid.T) string {
	return rapid.SampledFrom(messages).Draw(t, "words").words
}

var (
	timeNames     = []string{"startup_time", "plugin_sync", "fact_generation", "convert_catalog", "catalog_application", "total", "file"}
	resourceNames = []string{"total", "changed", "failed", "failed_to_restart", "skipped"}
)

func drawTimes(t *rapid.T) map[string]float64 {
	return rapid.MapOf(rapid.SampledFrom(timeNames), rapid.Float64Range(0, 5000)).Draw(t, "times")
}

func drawSummary(t *rapid.T) *report.Summary {
	return &report.Summary{
		ConfigVersion: rapid.SampledFrom([]string{"", "1"}).Draw(t, "summary version"),
		Resources:     rapid.MapOf(rapid.SampledFrom(resourceNames), rapid.IntRange(0, 3)).Draw(t, "summary resources"),
		Changes:       rapid.IntRange(0, 3).Draw(t, "summary changes"), Times: drawTimes(t),
	}
}

func drawReport(t *rapid.T) *report.Report {
	metric := func(names []string) map[string]float64 {
		return rapid.MapOf(rapid.SampledFrom(names), rapid.Float64Range(0, 3).Filter(func(f float64) bool { return f == float64(int(f)) || f > 1 })).Draw(t, "metric")
	}
	r := &report.Report{
		ConfigVersion:       rapid.SampledFrom([]string{"", "1"}).Draw(t, "version"),
		Environment:         rapid.SampledFrom([]string{"", "production"}).Draw(t, "applied environment"),
		Status:              rapid.SampledFrom([]string{"failed", "changed", "unchanged", said}).Draw(t, "status"),
		CachedCatalogStatus: rapid.SampledFrom([]string{"", "not_used", "on_failure", "explicitly_requested"}).Draw(t, "cache"),
		Metrics:             map[string]map[string]float64{"time": drawTimes(t), "resources": metric(resourceNames), "changes": metric([]string{"total"})},
		NoopEvents:          rapid.IntRange(0, 3).Draw(t, "noop events"),
	}
	if rapid.Bool().Draw(t, "says whether completed") {
		r.TransactionCompleted = new(rapid.Bool().Draw(t, "completed"))
	}
	for range rapid.IntRange(0, 60).Draw(t, "errors") {
		r.Errors = append(r.Errors, report.LogLine{Message: said + drawWords(t), Source: "File[" + said + "]"})
	}
	if rapid.Bool().Draw(t, "failures") {
		r.Failures = []api.Failure{{Resource: rapid.String().Draw(t, "resource"), Message: said}}
	}
	return r
}

// mayBeHealthy is what a healthy run needs, said another way than the code does.
func mayBeHealthy(e Evidence) bool {
	if e.Report == nil && e.Summary == nil || e.Stopped != NotStopped || e.Signal != "" || e.StartErr != nil {
		return false
	}
	if e.ExitCode != nil && *e.ExitCode != 0 && *e.ExitCode != 2 {
		return false
	}
	if r := e.Report; r != nil {
		_, applied := r.Metrics["time"]["catalog_application"]
		done := r.TransactionCompleted != nil && *r.TransactionCompleted || r.TransactionCompleted == nil && applied
		return done && r.CachedCatalogStatus != "on_failure" && r.Status != "failed" &&
			int(r.Metrics["resources"]["failed"]) == 0 && int(r.Metrics["resources"]["failed_to_restart"]) == 0
	}
	_, applied := e.Summary.Times["catalog_application"]
	return applied && e.Summary.Resources["failed"] == 0 && e.Summary.Resources["failed_to_restart"] == 0
}

func TestClassifyProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvidence(t)
		v := Classify(e)
		switch {
		case !slices.Contains(api.Outcomes(), v.Outcome):
			t.Fatalf("outcome %q", v.Outcome)
		case v.Outcome.Healthy() && !mayBeHealthy(e):
			t.Fatalf("%s is better than it was", v.Outcome)
		case v.Outcome.Healthy() && v.Reason != "":
			t.Fatalf("%s needs no reason, has %s", v.Outcome, v.Reason)
		case v.Message == "" || strings.Contains(v.Message, said):
			t.Fatalf("message %q", v.Message)
		case (v.Outcome == api.Errored || v.Outcome == api.Stale || v.Outcome == api.Interrupted || v.Outcome == api.Skipped) && v.Reason == "":
			t.Fatalf("%s without a reason", v.Outcome)
		}
		run := newRun()
		e.Fill(run, v)
		run.Bound()
		if err := run.Validate(); err != nil {
			t.Fatal(err)
		}
		for _, w := range run.Warnings {
			if strings.Contains(w, said) {
				t.Fatalf("warning %q", w)
			}
		}
	})
}

// FuzzClassify gives whatever bytes may stand in Puppet's files.
func FuzzClassify(f *testing.F) {
	for _, name := range sampleNames(f) {
		dir := filepath.Join(sampleDir, name)
		summary, rep := read(f, dir, "last_run_summary.yaml"), read(f, dir, "last_run_report.yaml")
		if len(rep) < 40<<10 {
			f.Add([]byte(summary), []byte(rep), 0)
		}
	}
	f.Fuzz(func(t *testing.T, summary, rep []byte, code int) {
		e := Evidence{Command: Agent, Ending: Ending{ExitCode: &code}, FreshCatalog: true}
		e.Summary, _ = parse(summary, report.ReadSummary)
		e.Report, _ = parse(rep, report.Read)
		_, v := filled(t, e)
		if v.Outcome.Healthy() && !mayBeHealthy(e) {
			t.Errorf("%s is better than it was", v.Outcome)
		}
	})
}

func parse[T any](data []byte, read func(io.Reader) (*T, error)) (*T, error) {
	v, err := read(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return v, nil
}

func TestMessagesAreTold(t *testing.T) {
	reasons := map[api.Reason]bool{}
	for _, m := range messages {
		reasons[m.reason] = true
	}
	for r := range maps.Keys(reasons) {
		if s := because(r); s == "" || strings.Contains(s, "\n") {
			t.Errorf("%s: %q", r, s)
		}
	}
}
