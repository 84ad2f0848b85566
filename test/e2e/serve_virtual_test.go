//go:build lab

package e2e

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/daemon"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

// TestServesVirtually: the service as it is without a configuration, for an hour of its own clock. Its runs are real.
//
// The clock of a synctest bubble goes on when all its goroutines wait for it. One that waits for a process does not, so
// no time passes in a run; between two, none passes for the test. Records have the times of both clocks: what was due
// is the service's, what began and ended is real.
func TestServesVirtually(t *testing.T) {
	t.Parallel()
	length := 65 * time.Minute
	if full() {
		length = 24 * time.Hour
	}
	s := newServed(t)
	d := s.daemon()
	began := time.Now().Round(0)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(began)) // a bubble's clock begins in the year 2000
		ctx, cancel := context.WithTimeout(context.Background(), length)
		defer cancel()
		if err := d.Serve(ctx, nil); err != nil {
			t.Error(err)
		}
	})
	s.checkOnTime(d.Config, began, began.Add(length))
	s.checkServer()
	if all := len(s.ids()); all != len(s.runs) {
		t.Errorf("%d runs of %d were seen", len(s.runs), all)
	}
	t.Logf("%s in %s: %d runs", length, time.Since(began).Round(time.Second), len(s.runs))
}

// daemon is the service that `puppet-cron serve` makes, with what the catalog needs in the runners' environment.
func (s *served) daemon() *daemon.Daemon {
	s.t.Helper()
	c, err := config.Load(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	dir, err := state.Open(s.stateDir)
	if err != nil {
		s.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(s.t.Output(), nil))
	d := &daemon.Daemon{
		State: dir, Config: c, Log: log, Version: "test",
		Tell: func(string) {},
		Certname: func(*config.Config) string {
			known := new(puppet.Known)
			if err := dir.ReadPuppet(known); err != nil {
				return ""
			}
			return known.Settings.Certname
		},
		Ended: func(r *api.Run) { s.judge(s.recordOf(r.ID)) }, // before the clock goes on, and with it the next run
	}
	d.Launcher = &daemon.Detached{
		Program: "env", Args: append(s.Facts(mending), binary, "--config", s.config), Log: log, Ended: d.Wake,
	}
	return d
}

// checkOnTime demands a run within catch_up, and from then on one in each slot of the node, to the nanosecond.
func (s *served) checkOnTime(c *config.Config, began, ended time.Time) {
	s.t.Helper()
	spec, err := daemon.NewSpec(c, s.Certname, nil)
	if err != nil || len(s.runs) < 2 {
		s.t.Fatalf("%d runs, %v", len(s.runs), err)
	}
	for _, r := range s.runs {
		if req, err := s.state.Request(r.ID); err != nil || !req.Asked.Equal(*r.Due) {
			s.t.Errorf("run %s was due %s: %+v, %v", r.ID, r.Due, req, err)
		}
	}
	first := *s.runs[0].Due
	if after := first.Sub(began); after < 0 || after > c.Schedule.CatchUp {
		s.t.Errorf("the first run was due after %s", after)
	}
	// The first run tells the node its name, and so its place. Slots that follow it within catch_up are settled by it.
	second := *s.runs[1].Due
	if after := second.Sub(first); after > c.Schedule.CatchUp+c.Schedule.Every {
		s.t.Errorf("the second run was due %s after the first", after)
	}
	want := spec.Next(second.Add(-1))
	for _, r := range s.runs[1:] {
		if !r.Due.Equal(want) || r.Trigger != api.Schedule || r.Schedule.MissedSlots != 0 {
			s.t.Fatalf("run %s (%s) was due %s, missed %d; want %s", r.ID, r.Trigger, r.Due, r.Schedule.MissedSlots, want)
		}
		want = spec.Next(want)
	}
	if !want.After(ended) {
		s.t.Errorf("no run at %s, and the service lived until %s", want, ended)
	}
	s.checkKept(spec, want)
}

// checkKept demands that schedule.json says the same.
func (s *served) checkKept(spec *scheduler.Spec, next time.Time) {
	s.t.Helper()
	kept := s.schedule()
	offset, _ := spec.Offset()
	want := scheduler.Ledger{Through: *s.last().Due, Ran: *s.last().Due}
	if kept.Ledger != want || !kept.NextDue.Equal(next) || *kept.OffsetS != offset.Seconds() ||
		kept.IntervalS != spec.Interval().Seconds() || kept.LastError != "" || kept.ConfigError != "" {
		s.t.Errorf("schedule.json says\n%+v\nwant all up to %s settled, the next run at %s, offset %s", kept, s.last().Due, next, offset)
	}
}
