package node_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
	"github.com/puppet-cron/puppet-cron/state"
)

// halfHourly is due 10 and 40 minutes past the hour.
func halfHourly(t *testing.T) *scheduler.Spec {
	t.Helper()
	s, err := scheduler.New(scheduler.Rule{
		Every: 30 * time.Minute, CatchUp: 15 * time.Minute, Retries: 3, Share: splay.Share{Fraction: 1. / 3, Source: splay.FromHash},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serves keeps what a living service would.
func (p *place) serves(spec *scheduler.Spec, l scheduler.Ledger) state.Schedule {
	p.Helper()
	self, err := process.Find(os.Getpid())
	if err != nil {
		p.Fatal(err)
	}
	plan := spec.Plan(l)
	offset, _ := spec.Offset()
	kept := state.Schedule{
		Ledger: l, NextDue: &plan.At, NextWhy: plan.Why, IntervalS: spec.Interval().Seconds(), OffsetS: new(offset.Seconds()), Service: &self.ID,
	}
	p.keeps(kept)
	return kept
}

func (p *place) keeps(kept state.Schedule) {
	p.Helper()
	if err := p.dir.SetSchedule(kept); err != nil {
		p.Fatal(err)
	}
}

// dues are the times and reasons of runs, in short.
func dues(runs []node.Next) string {
	var all []string
	for _, r := range runs {
		why, _, _ := strings.Cut(r.Why, " + ")
		all = append(all, r.Due.Format("15:04")+" "+why)
	}
	return strings.Join(all, ", ")
}

// What comes next begins with what the service announces, which may be no slot, and
// leaves out the slots that this run settles.
func TestForetold(t *testing.T) {
	spec := halfHourly(t) // now is 12:00
	for want, l := range map[string]scheduler.Ledger{
		"12:10 every 30m0s, 12:40 every 30m0s, 13:10 every 30m0s": {Through: now},
		"12:02 retry 2 of 3, 12:10 every 30m0s, 12:40 every 30m0s": {
			Through: now, Retries: 1, Again: scheduler.Again{At: now.Add(2 * time.Minute), Trigger: api.Retry},
		},
		"12:05 catch-up, 3 missed, 12:40 every 30m0s, 13:10 every 30m0s": {Through: now, Missed: 3, CatchUp: now.Add(5 * time.Minute)},
		"13:40 every 30m0s, 14:10 every 30m0s, 14:40 every 30m0s":        {Through: now.Add(90 * time.Minute)}, // the clock was set back
	} {
		p := newPlace(t)
		p.serves(spec, l)
		runs, doubt := node.Foretold(node.Source{State: p.dir, Now: now, Spec: spec}, 3)
		if got := dues(runs); got != want || doubt != "" {
			t.Errorf("got %s (doubt: %s); want %s", got, doubt, want)
		}
	}
}

func TestForetoldInDoubt(t *testing.T) {
	spec := halfHourly(t)
	const slots = "12:10 every 30m0s, 12:40 every 30m0s"
	retry := scheduler.Ledger{Through: now, Again: scheduler.Again{At: now.Add(2 * time.Minute), Trigger: api.Retry}}
	for doubt, c := range map[string]struct {
		spoil func(*state.Schedule)
		want  string
	}{
		"no service is running": {func(s *state.Schedule) { s.Service.Start = "1" }, slots},
		"cannot be read":        {func(s *state.Schedule) { s.Ledger.Retries = -1 }, slots},
		"reload it":             {func(s *state.Schedule) { s.IntervalS = 3600 }, "12:02 retry 1 of 3, 12:10 every 30m0s"},
		"has not read it yet":   {func(s *state.Schedule) { s.OffsetS = new(7.) }, "12:02 retry 1 of 3, 12:10 every 30m0s"},
	} {
		p := newPlace(t)
		kept := p.serves(spec, retry)
		c.spoil(&kept)
		p.keeps(kept)
		runs, got := node.Foretold(node.Source{State: p.dir, Now: now, Spec: spec}, 2)
		if !strings.Contains(got, doubt) || dues(runs) != c.want {
			t.Errorf("%s: got %s (doubt: %s); want %s", doubt, dues(runs), got, c.want)
		}
	}
	p := newPlace(t)
	if runs, doubt := node.Foretold(node.Source{State: p.dir, Now: now, Spec: spec}, 2); dues(runs) != slots || !strings.Contains(doubt, "no service") {
		t.Errorf("where none ever served: %s (%s)", dues(runs), doubt)
	}
}

// A run that is being started is not among those to come.
func TestForetoldWhileOneIsStarted(t *testing.T) {
	p := newPlace(t)
	spec := halfHourly(t)
	l := scheduler.Ledger{Through: now}
	kept := p.serves(spec, l)
	kept.Ledger = l.Take(spec.Plan(l), "01a2067e-0000-7000-8000-000000000001")
	p.keeps(kept)
	runs, _ := node.Foretold(node.Source{State: p.dir, Now: now.Add(10 * time.Minute), Spec: spec}, 2)
	if got := dues(runs); got != "12:40 every 30m0s, 13:10 every 30m0s" {
		t.Error(got)
	}
}
