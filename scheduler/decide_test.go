package scheduler_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/scheduler"
)

var (
	at   = time.Date(2026, 11, 23, 4, 0, 0, 0, time.FixedZone("CET", 3600))
	own  = &scheduler.Holder{Who: "run 7 (manual, pid 3)", Since: at}
	lock = &scheduler.Holder{Who: "pid 9 (puppet agent) holds /x/agent.lock", Since: at}
	off  = &api.DisableInfo{Reason: "maintenance", Since: &at}
)

func pick[T any](p *T, yes bool) *T {
	if yes {
		return p
	}
	return nil
}

// Every combination of facts. What forbids a run for longer comes first.
func TestDecide(t *testing.T) {
	const (
		disabled = "puppet is disabled since 2026-11-23T03:00:00Z: maintenance; `puppet agent --enable` lifts it"
		goesOn   = "run 7 (manual, pid 3) goes on since 2026-11-23T03:00:00Z"
		held     = "Puppet's own lock is held: pid 9 (puppet agent) holds /x/agent.lock, since 2026-11-23T03:00:00Z"
	)
	for _, tt := range []struct {
		disabled, own, lock bool
		want                scheduler.Decision
	}{
		{false, false, false, scheduler.Decision{Verb: scheduler.Start}},
		{false, false, true, scheduler.Decision{Verb: scheduler.Wait, Reason: api.Locked, Message: held}},
		{false, true, false, scheduler.Decision{Verb: scheduler.Skip, Reason: api.Locked, Message: goesOn}},
		{false, true, true, scheduler.Decision{Verb: scheduler.Skip, Reason: api.Locked, Message: goesOn}},
		{true, false, false, scheduler.Decision{Verb: scheduler.Skip, Reason: api.Disabled, Message: disabled}},
		{true, false, true, scheduler.Decision{Verb: scheduler.Skip, Reason: api.Disabled, Message: disabled}},
		{true, true, false, scheduler.Decision{Verb: scheduler.Skip, Reason: api.Disabled, Message: disabled}},
		{true, true, true, scheduler.Decision{Verb: scheduler.Skip, Reason: api.Disabled, Message: disabled}},
	} {
		t.Run(fmt.Sprintf("disabled=%v own=%v lock=%v", tt.disabled, tt.own, tt.lock), func(t *testing.T) {
			for _, now := range []time.Time{{}, at} { // the time alone decides nothing yet
				got := scheduler.Decide(scheduler.Facts{
					Now: now, Disabled: pick(off, tt.disabled), OwnRun: pick(own, tt.own), PuppetLock: pick(lock, tt.lock),
				})
				if got != tt.want {
					t.Errorf("got  %+v\nwant %+v", got, tt.want)
				}
			}
		})
	}
}

// A shutdown keeps everybody's run off, shortly before it and no longer than it can still be under way.
func TestShutdown(t *testing.T) {
	planned := "a shutdown is planned for 2026-11-23T03:00:00Z; `shutdown -c` calls it off"
	for ahead, want := range map[time.Duration]string{
		time.Hour: "", 5 * time.Minute: "", 5*time.Minute - 1: planned, 0: planned, -time.Minute: planned, -5 * time.Minute: "", -time.Hour: "",
	} {
		for _, trigger := range []api.Trigger{api.Manual, api.Schedule} {
			d := scheduler.Decide(scheduler.Facts{Now: at.Add(-ahead), Trigger: trigger, ShutdownAt: at, PuppetLock: pick(lock, want != "")})
			if d.Message != want || (d.Verb == scheduler.Skip) != (want != "") || (d.Reason == api.ByShutdown) != (want != "") {
				t.Errorf("%s before a shutdown, %s: %+v; want %q", ahead, trigger, d, want)
			}
		}
	}
	d := scheduler.Decide(scheduler.Facts{ShuttingDown: true})
	if d.Verb != scheduler.Skip || d.Reason != api.ByShutdown || d.Message != "the system is shutting down" {
		t.Errorf("during a shutdown: %+v", d)
	}
}

// Whatever comes by itself is treated alike, and so is whatever somebody asked for.
func TestTriggersAreOfTwoKinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		yes := func(what string) bool { return rapid.Bool().Draw(t, what) }
		text := func(what string) string { return rapid.SampledFrom([]string{"", what}).Draw(t, what) }
		f := scheduler.Facts{
			Now: at, OwnRun: pick(own, yes("own")), PuppetLock: pick(lock, yes("lock")), Disabled: pick(off, yes("disabled")),
			Held:      pick(&scheduler.Held{Why: "held", Everyone: yes("everyone")}, yes("held")),
			Window:    scheduler.Window{Mode: rapid.SampledFrom(append(scheduler.WindowModes(), "")).Draw(t, "mode"), Why: "window"},
			Condition: text("condition"), Unasked: text("unasked"), NoopHold: text("noop"), ShuttingDown: yes("shutdown"),
		}
		by := func(tr api.Trigger) scheduler.Decision { f.Trigger = tr; return scheduler.Decide(f) }
		for trigger, like := range map[api.Trigger]api.Trigger{
			api.CatchUp: api.Schedule, api.Retry: api.Schedule, api.FollowUp: api.Schedule, api.Order: api.Manual,
		} {
			if got, want := by(trigger), by(like); got != want {
				t.Fatalf("%s: %+v; %s: %+v", trigger, got, like, want)
			}
		}
		if d := by(api.Manual); d.Verb != scheduler.Start && by(api.Schedule).Verb == scheduler.Start {
			t.Fatalf("a person's run is kept off, and the schedule's is not: %+v", d)
		}
	})
}

// All that a run does not heed, or must heed, is told.
func TestWhy(t *testing.T) {
	closed := scheduler.Window{Mode: scheduler.WindowSkip, Why: "outside the windows"}
	for want, f := range map[string]scheduler.Facts{
		"":                             {Trigger: api.Manual, Unasked: "/x exists"},
		"although outside the windows": {Trigger: api.Manual, Window: closed},
		"outside the windows":          {Trigger: api.Schedule, Window: closed, Unasked: "/x exists"},
		"unless /x exists: that is looked at when it is due":                    {Trigger: api.Schedule, Unasked: "/x exists"},
		"with --noop: held by anna; although outside the windows":               {Trigger: api.Manual, Window: closed, NoopHold: "held by anna"},
		"with --noop: held; unless /x exists: that is looked at when it is due": {NoopHold: "held", Unasked: "/x exists"},
	} {
		if got := scheduler.Decide(f).Why(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// What is not known is not said: no year 1, no empty reason.
func TestUnknownIsNotSaid(t *testing.T) {
	for want, facts := range map[string]scheduler.Facts{
		"puppet is disabled; `puppet agent --enable` lifts it":                                                                {Disabled: &api.DisableInfo{}},
		"puppet is disabled since 2026-11-23T03:00:00Z; `puppet agent --enable` lifts it":                                     {Disabled: &api.DisableInfo{Since: &at}},
		"puppet is disabled: why not; `puppet agent --enable` lifts it":                                                       {Disabled: &api.DisableInfo{Reason: "why not", Since: new(time.Time)}},
		"puppet is disabled by anna since 2026-11-23T03:00:00Z until 2026-11-23T03:00:00Z: why; `puppet-cron enable` ends it": {Disabled: &api.DisableInfo{By: "anna", Reason: "why", Since: &at, Until: &at}},
		"run 7 goes on":                      {OwnRun: &scheduler.Holder{Who: "run 7"}},
		"Puppet's own lock is held: someone": {PuppetLock: &scheduler.Holder{Who: "someone"}},
	} {
		if got := scheduler.Decide(facts).Message; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// A run that is not started always says why, in one of the design's words.
func TestEveryRefusalHasAReason(t *testing.T) {
	for _, facts := range []scheduler.Facts{{Disabled: off}, {OwnRun: own}, {PuppetLock: lock}} {
		d := scheduler.Decide(facts)
		if d.Reason == "" || strings.TrimSpace(d.Message) == "" {
			t.Errorf("%+v gives %+v", facts, d)
		}
	}
}
