package config_test

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	_ "time/tzdata" // zones that do not depend on the machine

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/splay"
)

// abs makes a path absolute on this system.
func abs(path string) string {
	if runtime.GOOS == "windows" {
		return `C:` + filepath.FromSlash(path)
	}
	return path
}

func parse(text string) (*config.Config, error) {
	return config.Parse("FILE", strings.NewReader(text))
}

func TestDefaults(t *testing.T) {
	for _, text := range []string{
		"",
		"\n\n",
		"# only a comment\n",
		"---\n",
		"--- # nothing\n...\n",
		"~",
		"{}",
		"\ufeff",
		"\ufeff# with a byte order mark\r\n",
		"puppet:\nhistory:\nlog:\n",
		"puppet: {}\n",
		"schedule:\n",
		"schedule: {every: 30m, cron: '', timezone: '', splay: {mode: hash, window: auto}, catch_up: 15m, retries: 3}",
		"schedule: {skip_when: {battery: false, load_per_core: never, file: '', command: []}}",
		"schedule:\n  skip_when:\n",
		"puppet:\r\n  noop: auto\r\n  timeout: auto\r\n",
		"reporter: {}\n",
		"reporter: {url: '', tls: {mode: puppet}, token_file: '', spool_max: 1000, log_tail: 0KiB}",
		"reporter: {tls: {mode: puppet, cert: '', key: '', ca: ''}, log_tail: 0GiB}",
		"puppet: {binary: auto, manifest: '', confdir: '', certname: '', environment: '', extra_args: []}",
	} {
		got, err := parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(config.Default(), *got); diff != "" {
			t.Errorf("%q: -want +got:\n%s", text, diff)
		}
	}
}

func TestEveryKey(t *testing.T) {
	got, err := parse(`
schedule:
  cron: "*/20 6-20 * * MON-FRI"
  timezone: Europe/Paris
  splay: {mode: slot, window: 20m}
  catch_up: 0s
  retries: 0
  skip_when: {battery: true, load_per_core: 0.5, file: ` + abs("/run/no-puppet") + `, command: [` + abs("/bin/ok") + `, -q]}
puppet:
  command: apply
  manifest: ` + abs("/srv/puppet/site.pp") + `
  binary: ` + abs("/opt/puppet") + `
  confdir: ` + abs("/etc/puppet") + `
  certname: web01.example.com
  environment: 2024
  extra_args: [--evaltrace, "--modulepath=/a:/b"]
  noop: true
  timeout: 1h30m
  lock_wait: 90s
  nice: -5
  job_id: false
reporter:
  url: https://collector.example.com:8150/puppet
  tls: {mode: files, cert: ` + abs("/etc/c.pem") + `, key: ` + abs("/etc/k.pem") + `, ca: ` + abs("/etc/ca.pem") + `}
  token_file: ` + abs("/etc/token") + `
  spool_max: 1000000
  log_tail: 64KiB
history: {runs: 1, days: 7, size: 1GiB}
shutdown: {inhibit: block}
hooks_dir: ` + abs("/srv/hooks") + `
check:
  failed: unknown
  stale: critical
  errored: warning
  timed_out: ok
  interrupted: ok
  overdue: warning
  condition: unknown
  disabled: ok
  disabled_days: 14
  held: critical
  noop_held: critical
  service_down: warning
  service_trouble: unknown
  reporting: critical
  certificate: {warning_days: 20, critical_days: 20}
metrics: {textfile: ` + abs("/srv/m/puppet_cron.prom") + `}
state_dir: ` + abs("/srv/state") + `
log: {level: debug, format: json}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Schedule: config.Schedule{
			Cron:     "*/20 6-20 * * MON-FRI",
			Timezone: "Europe/Paris",
			Splay:    config.Splay{Mode: splay.Slot, Window: 20 * time.Minute},
			SkipWhen: config.SkipWhen{Battery: true, LoadPerCore: 0.5, File: abs("/run/no-puppet"), Command: []string{abs("/bin/ok"), "-q"}},
		},
		Puppet: config.Puppet{
			Command:                config.Apply,
			Manifest:               abs("/srv/puppet/site.pp"),
			Binary:                 abs("/opt/puppet"),
			Confdir:                abs("/etc/puppet"),
			Certname:               "web01.example.com",
			Environment:            "2024",
			ExtraArgs:              []string{"--evaltrace", "--modulepath=/a:/b"},
			Noop:                   config.On,
			CachedCatalogOnFailure: config.Auto,
			Timeout:                90 * time.Minute,
			LockWait:               90 * time.Second,
			Nice:                   -5,
		},
		Reporter: config.Reporter{
			URL:       "https://collector.example.com:8150/puppet",
			TLS:       config.TLS{Mode: config.TLSFiles, Cert: abs("/etc/c.pem"), Key: abs("/etc/k.pem"), CA: abs("/etc/ca.pem")},
			TokenFile: abs("/etc/token"),
			SpoolMax:  1_000_000,
			LogTail:   64 << 10,
		},
		History:  config.History{Runs: 1, Days: 7, Size: 1 << 30},
		Shutdown: config.Shutdown{Inhibit: config.InhibitBlock},
		HooksDir: abs("/srv/hooks"),
		Check: config.Check{
			Failed: config.Unknown, Stale: config.Critical, Errored: config.Warning, TimedOut: config.OK, Interrupted: config.OK,
			Overdue: config.Warning, Condition: config.Unknown, Disabled: config.OK, DisabledDays: 14, Held: config.Critical, NoopHeld: config.Critical,
			ServiceDown: config.Warning, ServiceTrouble: config.Unknown, Reporting: config.Critical, CertificateWarningDays: 20, CertificateCriticalDays: 20,
		},
		Metrics:  config.Metrics{Textfile: abs("/srv/m/puppet_cron.prom")},
		StateDir: abs("/srv/state"),
		Log:      config.Log{Level: slog.LevelDebug, Format: "json"},
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestPaths has the mistakes that take an absolute path, which differs by system.
func TestPaths(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{
			"a manifest for the agent",
			"puppet:\n  manifest: " + abs("/site.pp"),
			"FILE:2: puppet.manifest: is for apply only: set puppet.command to apply, or remove the key",
		},
		{
			"a cached catalog for apply",
			"puppet:\n  command: apply\n  manifest: " + abs("/site.pp") + "\n  cached_catalog_on_failure: false",
			"FILE:4: puppet.cached_catalog_on_failure: is for agent only, apply compiles its own catalog: remove the key",
		},
		{
			"a key without its certificate",
			"reporter:\n  tls:\n    mode: files\n    key: " + abs("/k.pem"),
			"FILE:4: reporter.tls.key: is of no use alone: set reporter.tls.cert, too, or remove the key",
		},
		{
			"a certificate without its key",
			"reporter:\n  tls: {mode: files, ca: " + abs("/ca.pem") + ", cert: " + abs("/c.pem") + "}",
			"FILE:2: reporter.tls.cert: is of no use alone: set reporter.tls.key, too, or remove the key",
		},
		{
			"files of no use",
			"reporter:\n  tls:\n    ca: " + abs("/ca.pem") + "\n    cert: " + abs("/c.pem"),
			"FILE:3: reporter.tls.ca: is for mode files only: set reporter.tls.mode to files, or remove the key\n" +
				"FILE:4: reporter.tls.cert: is for mode files only: set reporter.tls.mode to files, or remove the key",
		},
		{
			"a detour",
			"state_dir: " + abs("/var/../lib/x"),
			fmt.Sprintf("FILE:1: state_dir: must be the shortest form of the path, %q, not %q", abs("/lib/x"), abs("/var/../lib/x")),
		},
		{
			"no name that node_exporter reads",
			"metrics: {textfile: " + abs("/srv/m/puppet_cron.txt") + "}",
			fmt.Sprintf("FILE:1: metrics.textfile: must be a path that ends in .prom, node_exporter reads no other, not %q", abs("/srv/m/puppet_cron.txt")),
		},
		{
			"a newline",
			"state_dir: '" + abs("/a") + "\n\n  b'",
			fmt.Sprintf("FILE:1: state_dir: must be an absolute path, not %q", abs("/a")+"\nb"),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse(tt.text)
			if got := fmt.Sprint(err); got != tt.want {
				t.Errorf("got:  %s\nwant: %s", got, tt.want)
			}
		})
	}
}

// TestReporterWays has the ways that outcomes may go.
func TestReporterWays(t *testing.T) {
	for _, text := range []string{
		"url: 'https://collector.example.com:8150', tls: {mode: puppet}",
		"url: https://collector.example.com/base/",
		"url: 'https://[2001:db8::1]:8150', tls: {mode: files}",
		"url: https://foreman.example.com, tls: {mode: files, ca: " + abs("/ca.pem") + "}, token_file: " + abs("/t"),
		"url: 'http://127.0.0.1:8150', tls: {mode: none}",
		"url: 'http://127.8.8.8:8150', tls: {mode: none}",
		"url: 'http://[::1]:8150', tls: {mode: none}",
		"url: 'http://localhost:8150', tls: {mode: none}, token_file: " + abs("/t"),
		"url: '', tls: {mode: none}", // reporting is off
	} {
		if _, err := parse("reporter: {" + text + "}"); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestErrorsAs(t *testing.T) {
	_, err := parse("log: {level: x}")
	want := &config.Error{Path: "FILE", Line: 1, Key: "log.level", Msg: `must be debug, info, warn or error, not "x"`}
	got, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("got %T, want it to hold an *Error", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestBounds has what is too large; each must be refused, and at once.
func TestBounds(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"size", "#" + strings.Repeat("x", 1<<20), "FILE: larger than 1 MiB: this is not a configuration file"},
		{"depth", strings.Repeat("[", 20_000), "exceeded max depth"},
		{"depth of a value", "puppet: {noop: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", "FILE:1: puppet.noop: must be a single value, not a list"},
		{"mistakes", strings.Repeat("x: 1\n", 100_000), "FILE: there may be more mistakes: these are the first 100"},
		{"distinct keys", distinctKeys(80_000), "FILE: there may be more mistakes: these are the first 100"},
		{"key", strings.Repeat("k", 1000) + ": 1", `FILE:1: "` + strings.Repeat("k", 60) + `"…: unknown key`},
		{"value", "puppet: {noop: " + strings.Repeat("v", 100_000) + "}", `not "` + strings.Repeat("v", 60) + `"…`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			_, err := parse(tt.text)
			if got := fmt.Sprint(err); !strings.Contains(got, tt.want) || len(got) > 20_000 {
				t.Errorf("got %d bytes, want them to contain %q:\n%.300s", len(got), tt.want, got)
			}
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

func distinctKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "key%05d: 1\n", i)
	}
	return b.String()
}

func TestReadError(t *testing.T) {
	broken := errors.New("broken")
	if _, err := config.Parse("FILE", iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}
