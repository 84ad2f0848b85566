//go:build !windows

package runner_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/hold"
	"github.com/puppet-cron/puppet-cron/state"
)

func (b *bench) keeper() *hold.Keeper {
	return &hold.Keeper{State: b.dir, File: b.node.Disabled()}
}

func (b *bench) hold(kind hold.Kind, owner string, length time.Duration) {
	b.Helper()
	end := time.Now().Add(length)
	if _, err := b.keeper().Set(hold.Hold{Owner: owner, Kind: kind, Reason: "why not", Since: time.Now(), Until: &end}, time.Now()); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) runBy(trigger api.Trigger) *api.Run {
	b.Helper()
	req := request()
	req.Trigger = trigger
	return b.run(context.Background(), req)
}

// Each kind of hold, for runs of the schedule and for a person's own.
func TestHolds(t *testing.T) {
	for _, c := range []struct {
		kind           hold.Kind
		trigger        api.Trigger
		want           api.Outcome
		reason         api.Reason
		words, warning string
		noop           bool
	}{
		{hold.Disable, api.Schedule, api.Skipped, api.Disabled, "puppet is disabled by anna since", "", false},
		{hold.Disable, api.Manual, api.Skipped, api.Disabled, "`puppet-cron enable` ends it", "", false},
		{hold.ScheduleOnly, api.Schedule, api.Skipped, api.Held, "the schedule is held by anna", "", false},
		{hold.ScheduleOnly, api.CatchUp, api.Skipped, api.Held, "why not", "", false},
		{hold.ScheduleOnly, api.Manual, api.Changed, "", "", "", false},
		{hold.Noop, api.Schedule, api.Changed, "", "", "nothing may be changed: held by anna", true},
		{hold.Noop, api.Manual, api.Changed, "", "", "why not", true},
	} {
		t.Run(string(c.kind)+" "+string(c.trigger), func(t *testing.T) {
			b := newBench(t, "changed")
			b.hold(c.kind, "anna", time.Hour)
			run := b.runBy(c.trigger)
			if run.Outcome != c.want || run.Reason != c.reason || !strings.Contains(run.Message, c.words) || run.Noop != c.noop {
				t.Errorf("%s/%s, noop %v: %s", run.Outcome, run.Reason, run.Noop, run.Message)
			}
			if got := strings.Join(run.Warnings, "\n"); (c.warning == "") != (got == "") || !strings.Contains(got, c.warning) {
				t.Errorf("warnings %q; want …%s…", got, c.warning)
			}
			if d := run.Disabled; (c.kind == hold.Disable) != (d != nil) || (d != nil && (d.By != "anna" || d.Reason != "why not" || d.Until == nil)) {
				t.Errorf("disabled: %+v", d)
			}
		})
	}
}

// --noop=false on the command line does not overrule a hold.
func TestNoopHoldWins(t *testing.T) {
	b := newBench(t, "unchanged")
	b.hold(hold.Noop, "anna", time.Hour)
	req := request()
	req.Noop = new(bool)
	if run := b.run(context.Background(), req); !run.Noop {
		t.Errorf("%+v", run)
	}
}

// A hold that has ended keeps no run off, nor one that others lifted a plain agent.
func TestHoldsAreSettledFirst(t *testing.T) {
	b := newBench(t, "unchanged")
	b.hold(hold.Disable, "anna", 100*time.Millisecond)
	b.eventually("the end", func() bool { h, err := hold.Load(b.dir); return err == nil && h.Disabled(time.Now()) == nil })
	if run := b.runBy(api.Schedule); run.Outcome != api.Unchanged {
		t.Errorf("%s: %s", run.Outcome, run.Message)
	}
	if _, err := os.Stat(b.node.Disabled()); err == nil {
		t.Error("Puppet is still disabled")
	}
	b.hold(hold.Disable, "anna", time.Hour)
	os.Remove(b.node.Disabled())
	if run := b.runBy(api.Schedule); run.Reason != api.Disabled {
		t.Errorf("%s: %s", run.Outcome, run.Message)
	}
	if _, err := os.Stat(b.node.Disabled()); err != nil {
		t.Errorf("Puppet is not disabled again: %v", err)
	}
}

// Where Puppet's file cannot be written, a run goes by the holds all the same.
func TestHoldWithoutPuppetsFile(t *testing.T) {
	b := newBench(t, "unchanged")
	if err := os.Symlink("nowhere", b.node.Disabled()); err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(time.Hour)
	_, err := b.keeper().Set(hold.Hold{Owner: "anna", Kind: hold.Disable, Reason: "r", Since: time.Now(), Until: &end}, time.Now())
	if err == nil {
		t.Error("a link in the place of Puppet's file is no trouble")
	}
	if run := b.runBy(api.Schedule); run.Reason != api.Disabled {
		t.Errorf("%s: %s", run.Outcome, run.Message)
	}
}

// A request about holds is no run: it mends Puppet's file and leaves nothing.
func TestHoldRequest(t *testing.T) {
	b := newBench(t, "unchanged")
	b.hold(hold.Disable, "anna", time.Hour)
	os.Remove(b.node.Disabled())
	id := uuid.Must(uuid.NewV7()).String()
	if err := b.dir.Ask(state.Request{ID: id, Kind: state.ForHold, Asked: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if run, err := b.runner().Resume(context.Background(), id); run != nil || err != nil {
		t.Errorf("%+v, %v", run, err)
	}
	if _, err := os.Stat(b.node.Disabled()); err != nil {
		t.Error(err)
	}
	if ids, err := b.dir.IDs(); len(ids) > 0 || err != nil {
		t.Errorf("%v are left, %v", ids, err)
	}
	if strings.Contains(b.events(), "start") {
		t.Error("Puppet was started")
	}
}
