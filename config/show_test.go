package config_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// fataler is what a test, a fuzz target and a property have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func show(t fataler, c *config.Config) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Show(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// checkRoundTrip checks that what Show writes is what Parse made it from.
func checkRoundTrip(t fataler, c *config.Config) {
	t.Helper()
	shown := show(t, c)
	got, err := parse(shown)
	if err != nil {
		t.Fatalf("%v\nof:\n%s", err, shown)
	}
	if diff := cmp.Diff(c, got); diff != "" {
		t.Fatalf("-want +got:\n%s\nof:\n%s", diff, shown)
	}
}

func TestShow(t *testing.T) {
	c := config.Default()
	c.HooksDir = "/etc/puppet-cron/hooks"
	c.StateDir = "/var/lib/puppet-cron"
	c.Schedule.Windows = []scheduler.WindowRule{{Days: "MON-FRI", From: "22:00", To: "05:00", Mode: scheduler.WindowNoop}}
	c.Schedule.SkipWhen.LoadPerCore = 4
	c.Schedule.SkipWhen.Command = []string{"/bin/ok", "a b"}
	c.Puppet.Noop = config.Off
	c.Puppet.Environment = "2024"
	c.Puppet.ExtraArgs = []string{"--trace", "--server=x"}
	c.Puppet.Timeout = time.Hour
	c.Reporter.URL = "https://collector.example.com:8150"
	c.History.Size = 1536 << 20
	want := `schedule:
  every: 30m
  cron: ""
  timezone: ""
  splay:
    mode: hash
    window: auto
  catch_up: 15m
  retries: 3
  windows:
    - days: MON-FRI
      from: "22:00"
      to: "05:00"
      mode: noop
  skip_when:
    battery: false
    load_per_core: 4
    file: ""
    command:
      - /bin/ok
      - a b
puppet:
  command: agent
  manifest: ""
  binary: auto
  confdir: ""
  certname: ""
  environment: "2024"
  extra_args:
    - --trace
    - --server=x
  noop: false
  cached_catalog_on_failure: auto
  timeout: 1h
  lock_wait: 10m
  nice: 0
  job_id: true
reporter:
  url: https://collector.example.com:8150
  tls:
    mode: puppet
    cert: ""
    key: ""
    ca: ""
  token_file: ""
  spool_max: 1000
  log_tail: 0KiB
history:
  runs: 500
  days: 30
  size: 1536MiB
shutdown:
  inhibit: delay
hooks_dir: /etc/puppet-cron/hooks
check:
  failed: critical
  stale: warning
  errored: critical
  timed_out: critical
  interrupted: warning
  overdue: critical
  condition: warning
  disabled: warning
  disabled_days: 0
  held: warning
  noop_held: warning
  service_down: critical
  service_trouble: warning
  reporting: warning
  certificate:
    warning_days: 30
    critical_days: 7
metrics:
  textfile: ""
state_dir: /var/lib/puppet-cron
log:
  level: info
  format: auto
`
	if diff := cmp.Diff(want, show(t, &c)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestRoundTrip(t *testing.T) {
	switches := []config.Switch{config.Auto, config.On, config.Off}
	durations := rapid.Int64Range(1, int64(1000*time.Hour))
	rapid.Check(t, func(t *rapid.T) {
		c := config.Default()
		drawSchedule(t, &c.Schedule)
		p := &c.Puppet
		p.Environment = rapid.StringMatching(`[a-zA-Z0-9_]{0,20}`).Draw(t, "environment")
		p.Certname = rapid.StringMatching(`([a-z0-9][a-z0-9_-]{0,20})?`).Draw(t, "certname")
		p.Noop = rapid.SampledFrom(switches).Draw(t, "noop")
		p.CachedCatalogOnFailure = rapid.SampledFrom(switches).Draw(t, "cached")
		p.Timeout = time.Duration(durations.Draw(t, "timeout"))
		p.LockWait = time.Duration(durations.Draw(t, "lock_wait"))
		p.Nice = rapid.IntRange(-20, 19).Draw(t, "nice")
		p.JobID = rapid.Bool().Draw(t, "job_id")
		severities := []config.Severity{config.OK, config.Warning, config.Critical, config.Unknown}
		c.Check.Failed = rapid.SampledFrom(severities).Draw(t, "failed")
		c.Check.CertificateWarningDays = rapid.IntRange(7, 36_500).Draw(t, "warning_days")
		c.Reporter.LogTail = 1024 * rapid.Int64Range(0, 1024).Draw(t, "log_tail")
		c.Reporter.SpoolMax = rapid.IntRange(1, 1_000_000).Draw(t, "spool_max")
		c.History.Size = 1024 * rapid.Int64Range(1024, 1<<40).Draw(t, "size")
		for _, value := range rapid.SliceOfN(rapid.StringMatching(`[ -~é]{1,30}`), 0, 3).Draw(t, "extra") {
			p.ExtraArgs = append(p.ExtraArgs, "--server="+value)
		}
		checkRoundTrip(t, &c)
	})
}

// drawSchedule keeps to schedules that hold.
func drawSchedule(t *rapid.T, s *config.Schedule) {
	s.CatchUp = time.Duration(rapid.Int64Range(0, int64(1000*time.Hour)).Draw(t, "catch_up"))
	s.Retries = rapid.IntRange(0, 100).Draw(t, "retries")
	s.Splay.Mode = rapid.SampledFrom([]splay.Mode{splay.Hash, splay.Slot, splay.None}).Draw(t, "mode")
	longest := time.Hour
	if rapid.Bool().Draw(t, "cron?") {
		s.Every, s.Cron = 0, rapid.SampledFrom([]string{"@hourly", "5 */2 * * *", "0 0 29 2 ?"}).Draw(t, "cron")
		s.Timezone = rapid.SampledFrom([]string{"", "UTC", "Africa/Cairo"}).Draw(t, "timezone")
	} else {
		s.Every = time.Duration(rapid.Int64Range(int64(time.Second), int64(1000*time.Hour)).Draw(t, "every"))
		longest = s.Every
	}
	s.Splay.Window = time.Duration(rapid.Int64Range(0, int64(longest)).Draw(t, "window"))
	drawSkipWhen(t, &s.SkipWhen)
	drawWindows(t, s)
}

func drawWindows(t *rapid.T, s *config.Schedule) {
	for i, mode := range rapid.SliceOfN(rapid.SampledFrom(scheduler.WindowModes()), 0, 4).Draw(t, "windows") {
		from, length := 6*i, rapid.IntRange(1, 5).Draw(t, "hours") // never the whole day
		if s.Cron == "" || s.Cron == "@hourly" {
			s.Windows = append(s.Windows, scheduler.WindowRule{
				Days: rapid.SampledFrom([]string{"", "MON-FRI", "sat, sun", "FRI-MON,WED"}).Draw(t, "days"),
				From: fmt.Sprintf("%02d:00", from), To: fmt.Sprintf("%02d:00", from+length), Mode: mode,
			})
		}
	}
}

func drawSkipWhen(t *rapid.T, s *config.SkipWhen) {
	s.Battery = rapid.Bool().Draw(t, "battery")
	if rapid.Bool().Draw(t, "load?") {
		s.LoadPerCore = rapid.Float64Range(0.01, 1000).Draw(t, "load")
	}
	if rapid.Bool().Draw(t, "command?") {
		s.Command = append([]string{abs("/bin/ok")}, rapid.SliceOfN(rapid.StringMatching(`[ -~é]{0,30}`), 0, 3).Draw(t, "argv")...)
	}
}

func TestReferenceIsDefault(t *testing.T) {
	got, err := parse(config.Reference())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Default(), *got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !strings.Contains(config.Reference(), config.DefaultPath) {
		t.Error("it does not say where the file is")
	}
}

// TestReferenceIsComplete relies on Show, which shows every key there is.
func TestReferenceIsComplete(t *testing.T) {
	c := config.Default()
	if diff := cmp.Diff(keys(t, show(t, &c)), keys(t, config.Reference())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// keys lists the keys of a document in their order.
func keys(t *testing.T, text string) []string {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	var list []string
	var walk func(prefix string, n *yaml.Node)
	walk = func(prefix string, n *yaml.Node) {
		for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
			key := prefix + n.Content[i].Value
			list = append(list, key)
			walk(key+".", n.Content[i+1])
		}
	}
	walk("", doc.Content[0])
	return list
}
