package node_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/hold"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

var now = time.Date(2026, 11, 16, 12, 0, 0, 0, time.UTC)

// place is a state directory and a Puppet's directory, both made of files alone.
type place struct {
	*testing.T
	dir    *state.Dir
	puppet string
	count  int
	next   *time.Time // when the next run is due, as each run announces
}

func newPlace(t *testing.T) *place {
	t.Helper()
	tmp := t.TempDir()
	dir, err := state.Open(filepath.Join(tmp, "state"))
	if err != nil {
		t.Fatal(err)
	}
	p := &place{T: t, dir: dir, puppet: filepath.Join(tmp, "puppet")}
	if err := os.Mkdir(p.puppet, 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

// ran records a run that ended so long ago.
func (p *place) ran(o api.Outcome, reason api.Reason, ago time.Duration) api.Run {
	p.Helper()
	p.count++
	ended := now.Add(-ago)
	run := api.Run{
		Schema: 1, ID: "01a2067e-0000-7000-8000-00000000000" + string(rune('0'+p.count)), Certname: "web01", Trigger: api.Manual,
		Started: &ended, Ended: &ended, Outcome: o, Reason: reason, Message: "in our own words",
		Failures: []api.Failure{{Message: "secret-text"}},
	}
	if o == api.Skipped {
		run.Started = nil
	}
	if p.next != nil {
		run.Schedule = &api.Announce{NextDue: p.next}
	}
	claim, err := p.dir.Begin(state.Request{ID: run.ID, Trigger: api.Manual, Asked: ended})
	if err != nil {
		p.Fatal(err)
	}
	defer claim.Release()
	if err := claim.Record(run); err != nil {
		p.Fatal(err)
	}
	return run
}

// knows writes what a runner would have learnt of Puppet.
func (p *place) knows(seen puppet.Known) {
	p.Helper()
	seen.Schema, seen.Command, seen.Seen = 1, puppet.Agent, now.Add(-time.Hour)
	seen.Settings.Certname = "web01"
	seen.Settings.CatalogRunLock = filepath.Join(p.puppet, "run.lock")
	seen.Settings.DisabledLock = filepath.Join(p.puppet, "disabled.lock")
	seen.Settings.Rundir = p.puppet
	if err := p.dir.WritePuppet(seen); err != nil {
		p.Fatal(err)
	}
}

func (p *place) disable(reason string) {
	p.Helper()
	content, err := json.Marshal(map[string]string{"disabled_message": reason})
	if err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.puppet, "disabled.lock"), content, 0o644); err != nil {
		p.Fatal(err)
	}
}

func (p *place) look() *node.Status {
	return node.Look(node.Source{State: p.dir, Version: "test", Now: now})
}

func TestHealth(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(*place)
		want    node.Health
		why     string
	}{
		"nothing yet":                    {func(*place) {}, node.Unknown, "no run yet"},
		"unchanged":                      {func(p *place) { p.ran(api.Unchanged, "", time.Hour) }, node.Healthy, "unchanged"},
		"changed":                        {func(p *place) { p.ran(api.Changed, "", time.Hour) }, node.Healthy, "changed"},
		"failed":                         {func(p *place) { p.ran(api.Failed, "", time.Hour) }, node.Unhealthy, "failed"},
		"stale":                          {func(p *place) { p.ran(api.Stale, api.ServerUnreachable, time.Hour) }, node.Unhealthy, "stale (server_unreachable)"},
		"errored":                        {func(p *place) { p.ran(api.Errored, api.CompileFailed, time.Hour) }, node.Unhealthy, "errored (compile_failed)"},
		"timed out":                      {func(p *place) { p.ran(api.TimedOut, "", time.Hour) }, node.Unhealthy, "timed_out"},
		"interrupted":                    {func(p *place) { p.ran(api.Interrupted, api.Killed, time.Hour) }, node.Unhealthy, "interrupted (killed)"},
		"only skipped":                   {func(p *place) { p.ran(api.Skipped, api.Locked, time.Hour) }, node.Unknown, "no run yet"},
		"good, then skipped":             {func(p *place) { p.ran(api.Unchanged, "", time.Hour); p.ran(api.Skipped, api.Locked, 0) }, node.Healthy, "unchanged"},
		"bad, then skipped":              {func(p *place) { p.ran(api.Failed, "", time.Hour); p.ran(api.Skipped, api.Locked, 0) }, node.Unhealthy, "failed"},
		"bad, then good":                 {func(p *place) { p.ran(api.Failed, "", time.Hour); p.ran(api.Changed, "", 0) }, node.Healthy, "changed"},
		"good, the windows closed since": {func(p *place) { p.next = new(now.Add(-time.Hour)); p.ran(api.Unchanged, "", 80*time.Hour) }, node.Healthy, "unchanged"},
		"good, long ago, the next too":   {func(p *place) { p.next = new(now.Add(-26 * time.Hour)); p.ran(api.Unchanged, "", 80*time.Hour) }, node.Unknown, "more than a day ago"},
		"good, long ago":                 {func(p *place) { p.ran(api.Unchanged, "", 26*time.Hour) }, node.Unknown, "more than a day ago"},
		"of a clock that was ahead":      {func(p *place) { p.ran(api.Unchanged, "", -72*time.Hour) }, node.Unknown, "ended in the future"},
		"good, disabled": {func(p *place) {
			p.ran(api.Unchanged, "", time.Hour)
			p.knows(puppet.Known{})
			p.disable("ticket 42")
		}, node.Unknown, "disabled"},
		"bad, disabled": {func(p *place) {
			p.ran(api.Failed, "", time.Hour)
			p.knows(puppet.Known{})
			p.disable("ticket 42")
		}, node.Unhealthy, "failed"},
		"corrupt": {func(p *place) {
			p.ran(api.Unchanged, "", time.Hour)
			for _, name := range []string{"last-run.json", "last-executed.json"} {
				if err := os.WriteFile(p.dir.File(name), []byte("{half"), 0o644); err != nil {
					p.Fatal(err)
				}
			}
		}, node.Unknown, "cannot be read"},
		"run in progress of a newer version": {func(p *place) {
			p.ran(api.Unchanged, "", time.Hour)
			p.newerRunning()
		}, node.Unknown, "run in progress cannot be read"},
		"bad, and a run of a newer version": {func(p *place) {
			p.ran(api.Failed, "", time.Hour)
			p.newerRunning()
		}, node.Unhealthy, "failed"},
		"service gone": {func(p *place) {
			p.ran(api.Unchanged, "", time.Hour)
			if err := p.dir.SetSchedule(state.Schedule{Service: &process.ID{PID: 1 << 30, Start: "1"}}); err != nil {
				p.Fatal(err)
			}
		}, node.Unknown, "service is not running"},
		"cut off": {func(p *place) {
			p.ran(api.Unchanged, "", time.Hour)
			p.running(process.ID{PID: 1 << 30, Start: "1"})
		}, node.Unknown, "was cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			c.arrange(p)
			s := p.look()
			if s.Health != c.want || !strings.Contains(s.Why, c.why) {
				t.Errorf("%s: %s; want %s: …%s…", s.Health, s.Why, c.want, c.why)
			}
			if text, err := json.Marshal(s); err != nil || strings.Contains(string(text), "secret-text") {
				t.Errorf("the status shows what Puppet printed, %v: %s", err, text)
			}
		})
	}
}

func (p *place) running(runner process.ID) {
	p.Helper()
	err := p.dir.SetRunning(state.Running{
		ID: "01a2067e-0000-7000-8000-0000000000ff", Trigger: api.Manual, Since: now, Phase: state.Applying, Runner: runner,
	})
	if err != nil {
		p.Fatal(err)
	}
}

// newerRunning leaves what a downgrade does.
func (p *place) newerRunning() {
	p.Helper()
	if err := os.WriteFile(p.dir.File("running.json"), []byte(`{"schema":99}`), 0o644); err != nil {
		p.Fatal(err)
	}
}

// What status says of a run that is asked for now is what Decide says.
func TestIfAsked(t *testing.T) {
	self, err := process.Find(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	p := newPlace(t)
	p.knows(puppet.Known{})
	expect := func(verb scheduler.Verb, why string) {
		t.Helper()
		if s := p.look(); s.IfAsked != verb || !strings.Contains(s.IfAskedWhy, why) {
			t.Errorf("%s: %s; want %s: …%s…", s.IfAsked, s.IfAskedWhy, verb, why)
		}
	}
	expect(scheduler.Start, "")
	p.running(self.ID)
	expect(scheduler.Skip, "goes on since")
	p.disable("ticket 42")
	expect(scheduler.Skip, "ticket 42")
	p.newerRunning()
	expect("", "cannot be read")
}

// Before any run Puppet's files may be anywhere: no run is promised, and none is called
// free to start in the metrics. What the holds say counts all the same.
func TestNothingIsPromisedUnseen(t *testing.T) {
	p := newPlace(t)
	if s := p.look(); s.IfDue != "" || s.IfAsked != "" || strings.Contains(string(s.Metrics()), "kept_off") {
		t.Errorf("a run now would %s: %s", s.IfAsked, s.IfAskedWhy)
	}
	p.hold("anna", hold.ScheduleOnly, time.Hour)
	if s := p.look(); s.IfDueReason != api.Held || s.IfAsked != "" {
		t.Errorf("due: %s, a run now would %s: %s", s.IfDueReason, s.IfAsked, s.IfAskedWhy)
	}
}

// Whoever may not look into Puppet's directory is shown what a runner saw, and told
// that it is not what is now.
func TestWhatMayNotBeSeen(t *testing.T) {
	p := newPlace(t)
	p.ran(api.Unchanged, "", time.Hour)
	end := now.Add(24 * time.Hour)
	known := puppet.Known{
		Disabled: &api.DisableInfo{Reason: "as seen"}, CertificateEnds: &end,
		Schedulers: []puppet.Scheduler{{Kind: "cron", Where: "/var/spool/cron/crontabs/root:3"}, {Kind: "daemon", Where: "pid 1"}},
	}
	p.knows(known)
	// A directory in the place of a file's parent cannot be looked into by anybody.
	if err := os.RemoveAll(p.puppet); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.puppet, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := p.look()
	if s.Disabled == nil || s.Disabled.Reason != "as seen" || s.Seen == nil || len(s.NotKnown) == 0 {
		t.Errorf("disabled %+v, seen %v, not known %q", s.Disabled, s.Seen, s.NotKnown)
	}
	if s.Health == node.Healthy {
		t.Error("what cannot be seen is shown as fine")
	}
	if len(s.Schedulers) != 1 || s.Schedulers[0].Kind != "cron" {
		t.Errorf("schedulers are %v; want the crontab, and not a process that may be gone", s.Schedulers)
	}
	if s.CertificateEnds == nil || !s.CertificateEnds.Equal(end) {
		t.Errorf("the certificate ends %v; want %v", s.CertificateEnds, end)
	}
}
