package runner

import (
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

// A run that was due in a window is not turned away for the moment that it takes to
// come, nor does it change what it may not for that reason.
func TestOnTheWay(t *testing.T) {
	c := config.Default()
	c.Schedule.Timezone = "UTC"
	c.Schedule.Windows = []scheduler.WindowRule{
		{From: "04:00", To: "05:00", Mode: scheduler.WindowRun}, {From: "08:00", To: "09:00", Mode: scheduler.WindowNoop},
	}
	for _, tt := range []struct {
		due, now string
		want     scheduler.WindowMode
	}{
		{"", "04:59:59", scheduler.WindowRun},
		{"", "05:00:00", scheduler.WindowSkip},
		{"04:59:59", "05:00:58", scheduler.WindowRun},
		{"04:59:59", "05:00:59", scheduler.WindowSkip},
		{"08:59:59", "09:00:01", scheduler.WindowNoop},
		{"03:59:59", "04:00:00", scheduler.WindowSkip}, // not due in one: its slot was not, by another configuration
		{"03:00:00", "04:30:00", scheduler.WindowRun},
		{"04:30:00", "03:59:00", scheduler.WindowSkip}, // the clock was set back
	} {
		a := &attempt{Runner: &Runner{Config: &c}, run: new(api.Run)}
		if tt.due != "" {
			a.req = state.Request{Due: new(clock(t, tt.due))}
		}
		got, err := a.window(clock(t, tt.now))
		if err != nil || got.Mode != tt.want {
			t.Errorf("due %s, now %s: got %+v, %v, want %s", tt.due, tt.now, got, err, tt.want)
		}
	}
}

func clock(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateTime, "2026-11-23 "+text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
