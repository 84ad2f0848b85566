package node_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

func defaults() config.Check { return config.Default().Check }

// fine is the status of a node with which all is well.
func fine() *node.Status {
	ended := now.Add(-12 * time.Minute)
	run := &api.Run{
		Schema: 1, ID: "01a2067e-0000-7000-8000-000000000001", Certname: "web01", Trigger: api.Schedule, Started: &ended, Ended: &ended,
		Outcome: api.Changed, Message: "3 of 412 resources changed", Environment: "production", PuppetVersion: "7.23.0",
		Resources: &api.Resources{Total: 412, Changed: 3, OutOfSync: 3, CorrectiveChange: 1},
		Usage:     &api.Usage{WallS: 14.24, CPUS: 9.1, MaxRSSBytes: 120_000_000},
	}
	since, next, offset, end := now.Add(-24*time.Hour), now.Add(18*time.Minute), 461.25, now.Add(400*24*time.Hour)
	return &node.Status{
		At: now, Health: node.Healthy, Certname: "web01", Version: "0.1.0",
		Last: run, LastExecuted: run, LastChange: run, LastSuccess: run, Failing: new(int),
		Expected: &scheduler.Expected{By: now.Add(33 * time.Minute), Late: now.Add(63 * time.Minute)},
		Service:  &node.Service{Alive: true, Since: &since, NextDue: &next, IntervalS: 1800, OffsetS: &offset},
		IfDue:    scheduler.Start, IfAsked: scheduler.Start, CertificateEnds: &end,
	}
}

func ended(o api.Outcome, reason api.Reason, inARow int) func(*node.Status) {
	return func(s *node.Status) {
		s.LastExecuted.Outcome, s.LastExecuted.Reason, s.Failing = o, reason, &inARow
	}
}

func disabledFor(d time.Duration) func(*node.Status) {
	return func(s *node.Status) {
		since := now.Add(-d)
		s.Disabled = &api.DisableInfo{Reason: "ticket|42", Since: &since}
		s.IfDue, s.IfDueReason, s.IfDueWhy = scheduler.Skip, api.Disabled, "puppet is disabled: ticket|42"
	}
}

func silentFor(late bool) func(*node.Status) {
	return func(s *node.Status) {
		s.Expected.By = now.Add(-time.Second)
		if late {
			s.Expected.Late = now.Add(-time.Second)
		}
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(*node.Status)
		config  func(*config.Check)
		code    int
		says    string
	}{
		"fine":               {nil, nil, 0, "PUPPET OK - changed 12 min ago: 3 of 412 resources changed | age=720s;2700;4500;0 time=14.2s;;;0 total=412;;;0 failed=0;;;0 changed=3;;;0 corrective=1;;;0 pending=0;;;0 failing=0;;;0 certificate=34560000s;2592000:;604800:"},
		"failed":             {ended(api.Failed, "", 1), nil, 2, "CRITICAL - failed 12 min ago"},
		"failed again":       {ended(api.Failed, "", 3), nil, 2, "(3 in a row)"},
		"stale":              {ended(api.Stale, api.ServerUnreachable, 1), nil, 1, "stale (server_unreachable)"},
		"errored":            {ended(api.Errored, api.CompileFailed, 1), nil, 2, "errored (compile_failed)"},
		"errored, as wished": {ended(api.Errored, api.CompileFailed, 1), func(c *config.Check) { c.Errored = config.OK }, 0, "OK - errored (compile_failed)"},
		"timed out":          {ended(api.TimedOut, "", 1), nil, 2, "timed_out"},
		"interrupted":        {ended(api.Interrupted, api.ByShutdown, 1), nil, 1, "interrupted (shutdown)"},
		"interrupted, and it was a retry": {func(s *node.Status) {
			ended(api.Interrupted, api.OOM, 1)(s)
			s.LastExecuted.Trigger = api.Retry
		}, nil, 2, "interrupted (oom)"},
		"interrupted twice":      {ended(api.Interrupted, api.OOM, 2), nil, 2, "interrupted (oom)"},
		"an outcome of tomorrow": {ended("better", "", 0), nil, 3, "better"},
		"no run yet":             {func(s *node.Status) { s.Last, s.LastExecuted, s.Expected = nil, nil, nil }, nil, 3, "no run yet"},
		"unreadable": {func(s *node.Status) {
			s.Last, s.LastExecuted, s.Expected, s.NotKnown = nil, nil, nil, []string{"corrupt file: x"}
		}, nil, 3, "cannot be read: corrupt file"},
		"the clock was set":     {func(s *node.Status) { s.At = now.Add(-time.Hour) }, nil, 3, "in the future"},
		"one missed":            {silentFor(false), nil, 1, "WARNING - a run was due and did not come; changed 12 min ago"},
		"two missed":            {silentFor(true), nil, 2, "runs were due"},
		"two missed, mildly":    {silentFor(true), func(c *config.Check) { c.Overdue = config.Unknown }, 3, "runs were due"},
		"missed, no matter":     {silentFor(true), func(c *config.Check) { c.Overdue = config.OK }, 0, "runs were due"},
		"one missed, no matter": {silentFor(false), func(c *config.Check) { c.Overdue = config.OK }, 0, "a run was due"},
		"just booted": {func(s *node.Status) {
			silentFor(true)(s)
			s.Service.Alive, s.Expected.Quiet = false, now.Add(time.Minute)
		}, nil, 0, "just booted; the service is not running yet"},
		"booted, and still silent": {func(s *node.Status) { silentFor(true)(s); s.Expected.Quiet = now.Add(-time.Second) }, nil, 2, "runs were due"},
		"disabled":                 {disabledFor(time.Hour), nil, 1, "WARNING - puppet is disabled: ticket/42; changed"},
		"disabled, silent":         {func(s *node.Status) { disabledFor(time.Hour)(s); silentFor(true)(s) }, nil, 1, "disabled"},
		"disabled, failed":         {func(s *node.Status) { disabledFor(time.Hour)(s); ended(api.Failed, "", 1)(s) }, nil, 2, "CRITICAL - failed"},
		"disabled for long":        {disabledFor(49 * time.Hour), func(c *config.Check) { c.DisabledDays = 2 }, 2, "CRITICAL - puppet is disabled"},
		"disabled, seen before": {func(s *node.Status) {
			disabledFor(time.Hour)(s)
			seen := now.Add(-time.Hour)
			s.Seen, s.Unseen = &seen, []node.Item{node.Disabled}
		}, nil, 1, "(as root saw it 60 min ago)"},
		"a condition, for long": {func(s *node.Status) {
			skipped := *s.Last
			at := now.Add(-time.Minute)
			skipped.Outcome, skipped.Reason, skipped.Ended, skipped.Message = api.Skipped, api.Condition, &at, "on battery"
			s.Last, s.ConditionLate = &skipped, &at
		}, nil, 1, "WARNING - a condition keeps runs off: on battery"},
		"unseen": {func(s *node.Status) {
			seen := now.Add(-time.Hour)
			s.Seen, s.Unseen = &seen, []node.Item{node.Disabled}
		}, nil, 0, "puppet's disable file cannot be seen by this user; this is as the last run saw it 60 min ago"},
		"held":            {func(s *node.Status) { s.IfDue, s.IfDueReason, s.IfDueWhy = scheduler.Skip, api.Held, "bob holds it" }, nil, 1, "bob holds it"},
		"held, as wished": {func(s *node.Status) { s.IfDue, s.IfDueReason, s.IfDueWhy = scheduler.Skip, api.Held, "bob holds it" }, func(c *config.Check) { c.Held = config.OK }, 0, "bob holds it"},
		"outside its window, silent": {func(s *node.Status) {
			s.IfDue, s.IfDueReason = scheduler.Skip, api.OutsideWindow
			silentFor(true)(s)
		}, nil, 2, "runs were due"},
		"skipped once": {func(s *node.Status) {
			skipped := *s.Last
			at := now.Add(-time.Minute)
			skipped.Outcome, skipped.Reason, skipped.Ended = api.Skipped, api.Locked, &at
			s.Last = &skipped
		}, nil, 0, "since then, skipped (locked) 60 s ago"},
		"service gone":       {func(s *node.Status) { s.Service.Alive = false }, nil, 2, "the service is not running"},
		"never a service":    {func(s *node.Status) { s.Service = nil }, nil, 0, "OK"},
		"service unread":     {func(s *node.Status) { s.Service, s.Unseen = nil, []node.Item{node.Serving} }, nil, 3, "cannot be read"},
		"refused":            {func(s *node.Status) { s.Service.ConfigError = "line 3:\nunknown key" }, nil, 1, "refused: line 3: unknown key"},
		"trouble":            {func(s *node.Status) { s.Service.LastError = "cannot write" }, nil, 1, "cannot write"},
		"certificate soon":   {func(s *node.Status) { s.CertificateEnds = new(now.Add(29 * 24 * time.Hour)) }, nil, 1, "certificate ends in 29 days"},
		"certificate now":    {func(s *node.Status) { s.CertificateEnds = new(now.Add(6 * 24 * time.Hour)) }, nil, 2, "certificate ends in 6 days"},
		"certificate ended":  {func(s *node.Status) { s.CertificateEnds = new(now.Add(-3 * time.Hour)) }, nil, 2, "certificate ended 3 h ago"},
		"certificate, never": {func(s *node.Status) { s.CertificateEnds = new(now) }, func(c *config.Check) { c.CertificateCriticalDays, c.CertificateWarningDays = 0, 0 }, 0, "OK"},
		"cut off":            {func(s *node.Status) { s.Running = &node.Running{Running: state.Running{ID: "x"}} }, nil, 1, "run x was cut off"},
		"cut off again": {func(s *node.Status) {
			s.Running = &node.Running{Running: state.Running{ID: "x"}}
			ended(api.Interrupted, api.PowerLoss, 1)(s)
		}, nil, 2, "run x was cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			s, cfg := fine(), defaults()
			if c.arrange != nil {
				c.arrange(s)
			}
			if c.config != nil {
				c.config(&cfg)
			}
			v := s.Check(cfg)
			if v.Code() != c.code || !strings.Contains(v.Line(), c.says) {
				t.Errorf("%d %s\nwant %d …%s…", v.Code(), v.Line(), c.code, c.says)
			}
			plugin(t, v)
		})
	}
}

// fataler is what a test and a property have in common.
type fataler interface {
	Helper()
	Errorf(format string, args ...any)
}

// The guidelines: https://www.monitoring-plugins.org/doc/guidelines.html
var pluginLine = regexp.MustCompile(`^PUPPET (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]{1,520}( \| [a-z]+=-?[0-9.]+s?;[0-9:]*;[0-9:]*(;0)?( [a-z]+=-?[0-9.]+s?;[0-9:]*;[0-9:]*(;0)?)*)?$`)

func plugin(t fataler, v node.Verdict) {
	t.Helper()
	line := v.Line()
	if !pluginLine.MatchString(line) || !utf8.ValidString(line) || len(line) > 1000 {
		t.Errorf("no line of a plugin: %q", line)
	}
	if word := []string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[v.Code()]; !strings.HasPrefix(line, "PUPPET "+word+" - ") {
		t.Errorf("exit code %d of: %s", v.Code(), line)
	}
}

// Whatever others wrote is one bounded line in the end.
func TestCheckIsAlwaysOneLine(t *testing.T) {
	texts := rapid.OneOf(rapid.String(), rapid.StringN(0, 3000, 9000), rapid.SampledFrom([]string{"a|b\nc", "\x1b[31m", "\xff", "\u2028", ""}))
	rapid.Check(t, func(rt *rapid.T) {
		s := fine()
		s.LastExecuted.Message = texts.Draw(rt, "message")
		s.Service.LastError = texts.Draw(rt, "error")
		s.IfDueReason, s.IfDueWhy = api.Held, texts.Draw(rt, "why")
		s.LastExecuted.Usage.WallS = rapid.Float64Range(0, 1e6).Draw(rt, "wall")
		s.CertificateEnds = new(now.Add(time.Duration(rapid.Int64Range(-1e17, 1e17).Draw(rt, "certificate"))))
		plugin(rt, s.Check(defaults()))
		plugin(rt, node.Unchecked(errors.New("x"+texts.Draw(rt, "own"))))
	})
}

// cell is one state of a node in all respects that count for check.
type cell struct {
	outcome  api.Outcome // "" is no run
	ago      time.Duration
	booted   bool
	service  string // "", "alive" or "dead"
	disabled bool
}

// want is the plain rule that the code must come to: the worst of its parts.
func (c cell) want() int {
	worst := map[api.Outcome]int{api.Failed: 2, api.Stale: 1, api.Errored: 2, api.TimedOut: 2, api.Interrupted: 1}[c.outcome]
	worse := func(code int) { worst = max(worst, code) }
	if c.service == "dead" && !c.booted {
		worse(2)
	}
	if c.disabled {
		worse(1)
	}
	if c.outcome != "" && !c.disabled && !c.booted {
		one, two := 30*time.Minute, time.Hour // it is 12:00: the slot of 11:30 has had its time, that of 12:00 has not
		if c.service == "" {
			one, two = 25*time.Hour, 49*time.Hour
		}
		if c.ago > one {
			worse(1)
		}
		if c.ago > two {
			worse(2)
		}
	}
	if c.outcome == "" && worst < 2 {
		return 3
	}
	return worst
}

func (c cell) build(t *testing.T) *node.Status {
	p := newPlace(t)
	p.knows(puppet.Known{})
	if c.outcome != "" {
		p.ran(c.outcome, "", c.ago)
	}
	if c.disabled {
		p.disable("ticket 42")
	}
	if c.service != "" {
		self, err := process.Find(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if c.service == "dead" {
			self.Start = "1"
		}
		if err := p.dir.SetSchedule(state.Schedule{Service: &self.ID, Started: new(now.Add(-time.Hour)), IntervalS: 1800}); err != nil {
			t.Fatal(err)
		}
	}
	spec, err := scheduler.New(scheduler.Rule{Every: 30 * time.Minute, CatchUp: 15 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	src := node.Source{State: p.dir, Version: "test", Now: now, Spec: spec, Booted: now.Add(-48 * time.Hour)}
	if c.booted {
		src.Booted = now.Add(-10 * time.Minute)
	}
	return node.Look(src)
}

// What check, status and the metrics say of a node agree, in every state of it.
func TestAllAgree(t *testing.T) {
	for _, outcome := range append(api.Outcomes()[:7], "") {
		for _, ago := range []time.Duration{10 * time.Minute, 40 * time.Minute, 26 * time.Hour, 50 * time.Hour} {
			for _, booted := range []bool{false, true} {
				for _, service := range []string{"", "alive", "dead"} {
					for _, disabled := range []bool{false, true} {
						c := cell{outcome, ago, booted, service, disabled}
						if outcome == "" && ago > 10*time.Minute {
							continue
						}
						t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) { t.Parallel(); c.agree(t) })
					}
				}
			}
		}
	}
}

func (c cell) agree(t *testing.T) {
	s := c.build(t)
	v := s.Check(defaults())
	plugin(t, v)
	if v.Code() != c.want() {
		t.Errorf("exit code %d; want %d: %s", v.Code(), c.want(), v.Line())
	}
	if v.Code() == 0 && s.Health != node.Healthy && !c.booted {
		t.Errorf("check says OK, status says %s, %s", s.Health, s.Why)
	}
	m := samples(t, s.Metrics())
	if disabled := m[`puppet_cron_kept_off{reason="disabled"}`] == 1; disabled != (s.IfDueReason == api.Disabled) || disabled != c.disabled {
		t.Errorf("disabled is %v in the metrics; status says %s", disabled, s.IfDueWhy)
	}
	if up, ok := m["puppet_cron_service_up"]; ok != (c.service != "") || (up == 1) != (c.service == "alive") {
		t.Errorf("the service is %v, %v in the metrics", up, ok)
	}
	overdue, known := m["puppet_cron_run_overdue_timestamp_seconds"]
	if silent := known && float64(now.Unix()) > overdue; silent != strings.Contains(v.Text, "runs were due and did not come") && !c.disabled &&
		!strings.Contains(v.Text, "just booted") {
		t.Errorf("overdue at %v, %v, in the metrics; check says %s", overdue, known, v.Text)
	}
}
