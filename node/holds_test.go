package node_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/hold"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
	"github.com/puppet-cron/puppet-cron/state"
)

func (p *place) hold(owner string, kind hold.Kind, length time.Duration) {
	p.Helper()
	end := now.Add(length)
	keeper := &hold.Keeper{State: p.dir, File: filepath.Join(p.puppet, "disabled.lock")}
	if _, err := keeper.Set(hold.Hold{Owner: owner, Kind: kind, Reason: "why " + owner, Since: now, Until: &end}, now); err != nil {
		p.Fatal(err)
	}
}

func TestHolds(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(*place)
		health  node.Health
		why     string
		holds   int
		ifAsked scheduler.Verb
		banner  string
	}{
		"nobody":  {func(*place) {}, node.Healthy, "unchanged", 0, scheduler.Start, ""},
		"disable": {func(p *place) { p.hold("anna", hold.Disable, time.Hour) }, node.Unknown, "by anna since", 1, scheduler.Skip, "by anna"},
		"two": {func(p *place) {
			p.hold("anna", hold.Disable, time.Hour)
			p.hold("bob", hold.Disable, time.Minute)
		}, node.Unknown, "by anna, bob since 2026-11-16T12:00:00Z until 2026-11-16T13:00:00Z: anna: why anna; bob: why bob", 2, scheduler.Skip, "bob: why bob"},
		"ended":         {func(p *place) { p.hold("anna", hold.Disable, -time.Second) }, node.Healthy, "unchanged", 0, scheduler.Start, ""},
		"schedule only": {func(p *place) { p.hold("anna", hold.ScheduleOnly, time.Hour) }, node.Unknown, "schedule is held by anna", 1, scheduler.Start, "held by anna"},
		"noop":          {func(p *place) { p.hold("anna", hold.Noop, time.Hour) }, node.Healthy, "unchanged", 1, scheduler.Start, "nothing may be changed"},
		"plain beside": {func(p *place) {
			p.disable("ticket 42")
			p.hold("anna", hold.Disable, time.Hour)
		}, node.Unknown, "ticket 42; `puppet agent --enable` lifts it", 1, scheduler.Skip, "ticket 42"},
		"corrupt": {
			func(p *place) { os.WriteFile(p.dir.File("holds.json"), []byte("{"), 0o644) },
			node.Unknown, "nobody knows who holds this node", 0, scheduler.Skip, "nobody knows",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.ran(api.Unchanged, "", time.Hour)
			p.knows(puppet.Known{})
			c.arrange(p)
			s := p.look()
			if s.Health != c.health || !strings.Contains(s.Why, c.why) || len(s.Holds) != c.holds || s.IfAsked != c.ifAsked || s.Lifted != nil {
				t.Errorf("%s: %s; %d holds, a run now would %s, lifted %v", s.Health, s.Why, len(s.Holds), s.IfAsked, s.Lifted)
			}
			banner := strings.Join(node.Banner(node.Source{State: p.dir, Now: now}), "\n")
			if (banner == "") != (c.banner == "") || !strings.Contains(banner, c.banner) {
				t.Errorf("the banner says %q; want …%s…", banner, c.banner)
			}
		})
	}
}

// What keeps runs off began when the hold did that keeps them off.
func TestHeldSince(t *testing.T) {
	p := newPlace(t)
	p.knows(puppet.Known{})
	keeper := &hold.Keeper{State: p.dir, File: filepath.Join(p.puppet, "disabled.lock")}
	for kind, age := range map[hold.Kind]time.Duration{hold.Noop: 48 * time.Hour, hold.ScheduleOnly: time.Hour} {
		if _, err := keeper.Set(hold.Hold{Owner: string(kind), Kind: kind, Reason: "r", Since: now.Add(-age)}, now); err != nil {
			t.Fatal(err)
		}
	}
	if h := p.look().OnPurpose(); h == nil || h.Since == nil || !h.Since.Equal(now.Add(-time.Hour)) {
		t.Errorf("%+v", h)
	}
}

// A run that the service announces is not promised while a hold will keep it off, and is
// when the hold ends before.
func TestNextIsForeseen(t *testing.T) {
	p := newPlace(t)
	p.knows(puppet.Known{})
	due := now.Add(time.Hour)
	if err := p.dir.SetSchedule(state.Schedule{NextDue: &due, Service: &process.ID{PID: 1 << 30, Start: "1"}}); err != nil {
		t.Fatal(err)
	}
	for _, length := range []time.Duration{time.Hour, 61 * time.Minute} {
		p.hold("anna", hold.Disable, length)
		if said := p.look().Service.NextSkipped; strings.Contains(said, "by anna") != (length > time.Hour) {
			t.Errorf("held for %v: %q", length, said)
		}
	}
	spec, err := scheduler.New(scheduler.Rule{Every: 30 * time.Minute, Mode: splay.None})
	if err != nil {
		t.Fatal(err)
	}
	var got []scheduler.Verb
	for _, n := range node.Upcoming(node.Source{State: p.dir, Now: now, Spec: spec}, now, 4) {
		got = append(got, n.IfDue)
	}
	if want := []scheduler.Verb{scheduler.Skip, scheduler.Skip, scheduler.Start, scheduler.Start}; !slices.Equal(got, want) {
		t.Errorf("held for 61 min: %v; want %v", got, want)
	}
}

// A hold stands although somebody lifted it in Puppet, and that is told.
func TestLifted(t *testing.T) {
	p := newPlace(t)
	p.knows(puppet.Known{})
	p.hold("anna", hold.Disable, time.Hour)
	file := filepath.Join(p.puppet, "disabled.lock")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if s := p.look(); s.Disabled == nil || s.Disabled.By != "anna" || s.Lifted == nil || !s.Lifted.Missing || s.IfAsked != scheduler.Skip {
		t.Errorf("disabled %+v, lifted %+v, a run now would %s", s.Disabled, s.Lifted, s.IfAsked)
	}
	if _, err := (&hold.Keeper{State: p.dir, File: file}).Reconcile(now); err != nil {
		t.Fatal(err)
	}
	if s := p.look(); s.Lifted == nil || s.Lifted.Missing || s.Lifted.Restored == nil || !s.Lifted.Restored.Equal(now) {
		t.Errorf("lifted %+v", s.Lifted)
	}
}
