package node_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/hold"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

// servesSince makes a node on which a service has kept a schedule of half hours since then.
func (p *place) servesSince(since time.Time) {
	p.Helper()
	self, err := process.Find(os.Getpid())
	if err != nil {
		p.Fatal(err)
	}
	if err := p.dir.SetSchedule(state.Schedule{Service: &self.ID, Started: &since, IntervalS: 1800}); err != nil {
		p.Fatal(err)
	}
}

// served is what is said of such a node.
func (p *place) served() *node.Status {
	p.Helper()
	spec, err := scheduler.New(scheduler.Rule{Every: 30 * time.Minute, CatchUp: 15 * time.Minute})
	if err != nil {
		p.Fatal(err)
	}
	return node.Look(node.Source{State: p.dir, Version: "test", Now: now, Spec: spec})
}

func (p *place) corrupt() {
	p.Helper()
	if err := os.WriteFile(p.dir.File("holds.json"), []byte("{"), 0o644); err != nil {
		p.Fatal(err)
	}
}

func verdict(t *testing.T, s *node.Status, cfg config.Check, want config.Severity, says string) {
	t.Helper()
	if v := s.Check(cfg); v.Severity != want || !strings.Contains(v.Text, says) {
		t.Errorf("check says %s; want %s: …%s…", v.Line(), want, says)
	}
}

// A hold of any kind is told, and one that was forgotten is critical.
func TestEveryHoldIsJudged(t *testing.T) {
	for kind, metric := range map[hold.Kind]string{
		hold.Disable: "kept_off_since", hold.ScheduleOnly: "kept_off_since", hold.Noop: "noop_held_since",
	} {
		p := newPlace(t)
		p.knows(puppet.Known{})
		p.ran(api.Unchanged, "", time.Minute)
		p.hold("anna", kind, time.Hour)
		s, cfg := p.look(), defaults()
		verdict(t, s, cfg, config.Warning, "why anna")
		if at := samples(t, s.Metrics())["puppet_cron_"+metric+"_timestamp_seconds"]; at != float64(now.Unix()) {
			t.Errorf("%s: %s is %v", kind, metric, at)
		}
		s.At = now.Add(49 * time.Hour)
		cfg.DisabledDays = 2
		verdict(t, s, cfg, config.Critical, "why anna")
	}
}

// Who is asked not to mind a hold of changes does not.
func TestNoopHeldAsWished(t *testing.T) {
	p := newPlace(t)
	p.knows(puppet.Known{})
	p.ran(api.Unchanged, "", time.Minute)
	p.hold("anna", hold.Noop, time.Hour)
	cfg := defaults()
	cfg.NoopHeld, cfg.Held = config.OK, config.Critical
	verdict(t, p.look(), cfg, config.OK, "runs change nothing: nothing may be changed")
}

// Holds that nobody can read keep runs off on nobody's purpose: that they do not come is
// told, whatever the admin thinks of holds.
func TestUnreadableHoldsAreNoPurpose(t *testing.T) {
	p := newPlace(t)
	p.knows(puppet.Known{})
	p.servesSince(now.Add(-24 * time.Hour))
	p.ran(api.Unchanged, "", 3*time.Hour)
	p.ran(api.Skipped, api.Held, time.Minute)
	p.corrupt()
	s, cfg := p.served(), defaults()
	cfg.Held = config.OK
	verdict(t, s, cfg, config.Critical, "nobody knows who holds this node")
	verdict(t, s, cfg, config.Critical, "runs were due and did not come")
	m := samples(t, s.Metrics())
	if m["puppet_cron_holds_unreadable"] != 1 || m[`puppet_cron_kept_off{reason="held"}`] != 0 ||
		m["puppet_cron_run_overdue_timestamp_seconds"] > float64(now.Unix()) {
		t.Errorf("the metrics say %v", m)
	}
	p = newPlace(t)
	p.knows(puppet.Known{})
	p.ran(api.Unchanged, "", time.Minute)
	p.corrupt()
	verdict(t, p.look(), cfg, config.Unknown, "nobody knows who holds this node")
}

// A run that a condition keeps off has come. That this goes on is a warning, and that
// nothing comes any more is still told.
func TestConditionIsNotSilence(t *testing.T) {
	for name, c := range map[string]struct {
		skipped time.Duration
		want    config.Severity
		says    string
		health  node.Health
	}{
		"still":     {2 * time.Minute, config.Warning, "a condition keeps runs off", node.Unknown},
		"and ended": {2 * time.Hour, config.Critical, "runs were due and did not come", node.Unknown},
	} {
		p := newPlace(t)
		p.knows(puppet.Known{})
		p.servesSince(now.Add(-24 * time.Hour))
		p.ran(api.Unchanged, "", 5*time.Hour)
		p.ran(api.Skipped, api.Condition, c.skipped)
		s := p.served()
		verdict(t, s, defaults(), c.want, c.says)
		if s.Health != c.health {
			t.Errorf("%s: %s: %s", name, s.Health, s.Why)
		}
		if at := samples(t, s.Metrics())["puppet_cron_condition_late_timestamp_seconds"]; at == 0 {
			t.Errorf("%s: the metrics do not say since when", name)
		}
	}
	p := newPlace(t)
	p.knows(puppet.Known{})
	p.servesSince(now.Add(-24 * time.Hour))
	p.ran(api.Unchanged, "", 31*time.Minute)
	p.ran(api.Skipped, api.Condition, time.Minute)
	verdict(t, p.served(), defaults(), config.OK, "since then, skipped (condition)")
}

// A node that never got a run is silent like any other, once a service should have
// started one.
func TestNeverRan(t *testing.T) {
	p := newPlace(t)
	p.servesSince(now.Add(-3 * time.Hour))
	s := p.served()
	verdict(t, s, defaults(), config.Critical, "runs were due and did not come")
	if m := samples(t, s.Metrics()); m["puppet_cron_run_overdue_timestamp_seconds"] == 0 {
		t.Errorf("the metrics say no deadline: %v", m)
	}
	p = newPlace(t)
	p.servesSince(now.Add(-time.Minute))
	verdict(t, p.served(), defaults(), config.Unknown, "there has been no run yet")
}

// A crontab's run does not come right after a boot either.
func TestCrontabAfterBoot(t *testing.T) {
	p := newPlace(t)
	p.ran(api.Unchanged, "", 60*time.Hour)
	for up, want := range map[time.Duration]config.Severity{time.Hour: config.OK, 2 * time.Hour: config.Critical} {
		s := node.Look(node.Source{State: p.dir, Version: "test", Now: now, Booted: now.Add(-up)})
		verdict(t, s, defaults(), want, "runs were due and did not come")
	}
}

// Where a service served once and was taken away, crontabs are judged again.
func TestServiceUninstalled(t *testing.T) {
	p := newPlace(t)
	p.ran(api.Unchanged, "", 3*time.Hour)
	if err := p.dir.SetSchedule(state.Schedule{IntervalS: 1800}); err != nil {
		t.Fatal(err)
	}
	verdict(t, p.served(), defaults(), config.OK, "unchanged")
}

// What a runner saw of somebody's disable file may be long gone: a hold of ours that
// stands is what is told. Without one it counts, and is marked as old.
func TestHoldOutranksWhatWasSeen(t *testing.T) {
	p := newPlace(t)
	p.knows(puppet.Known{Disabled: &api.DisableInfo{Reason: "as seen"}})
	p.hold("anna", hold.Disable, time.Hour)
	if err := os.RemoveAll(p.puppet); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.puppet, nil, 0o644); err != nil { // nobody can look into it
		t.Fatal(err)
	}
	if s := p.look(); s.Disabled == nil || s.Disabled.By != "anna" {
		t.Errorf("disabled %+v", s.Disabled)
	}
	src := node.Source{State: p.dir, Now: now}
	if said := strings.Join(node.Banner(src), "\n"); !strings.Contains(said, "by anna") || strings.Contains(said, "as root saw it") {
		t.Errorf("the banner says %s", said)
	}
	src.Now = now.Add(2 * time.Hour)
	if said := strings.Join(node.Banner(src), "\n"); !strings.Contains(said, "as seen") || !strings.Contains(said, "(as root saw it 3 h ago)") {
		t.Errorf("the banner says %s", said)
	}
}

// What next promises is marked as far as this user cannot see what could forbid it.
func TestNextMarksTheUnseen(t *testing.T) {
	for seen, want := range map[*api.DisableInfo]string{
		nil:                 "as far as this user can see: puppet's disable file cannot be seen by this user",
		{Reason: "as seen"}: "as seen; `puppet agent --enable` lifts it (as root saw it 60 min ago)",
	} {
		p := newPlace(t)
		p.knows(puppet.Known{Disabled: seen})
		if err := os.RemoveAll(p.puppet); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p.puppet, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		spec, err := scheduler.New(scheduler.Rule{Every: 30 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range node.Upcoming(node.Source{State: p.dir, Now: now, Spec: spec}, now, 2) {
			if !strings.Contains(n.IfDueWhy, want) {
				t.Errorf("next says %s: %s", n.IfDue, n.IfDueWhy)
			}
		}
	}
}
