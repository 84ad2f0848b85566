package node

import (
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/scheduler"
)

// Status says of a planned shutdown what the runner does.
func TestIfAskedBeforeAShutdown(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for at, want := range map[time.Time]scheduler.Verb{
		{}: scheduler.Start, now.Add(time.Minute): scheduler.Skip, now.Add(time.Hour): scheduler.Start, now.Add(-time.Hour): scheduler.Start,
	} {
		s := &Status{puppetKnown: true}
		s.decide(Source{Now: now, Shutdown: at})
		if s.IfAsked != want || (want == scheduler.Skip) != strings.Contains(s.IfAskedWhy, "2026-11-23T12:01:00Z") {
			t.Errorf("a shutdown at %s: would %s: %s; want %s", at, s.IfAsked, s.IfAskedWhy, want)
		}
	}
}
