package daemon

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/state"
)

// holder counts the runners that are started for holds. What runs is another's.
type holder struct {
	*world
	at    []time.Time
	does  func(id string) // as the runner would
	tells error
}

func (h *holder) Launch(ctx context.Context, id string) error {
	req, err := h.dir.Request(id)
	if err != nil || req.Kind != state.ForHold {
		return h.world.Launch(ctx, id)
	}
	h.at = append(h.at, time.Now())
	if h.does != nil {
		h.does(id)
	}
	return h.tells
}

func (h *holder) serve(d time.Duration, due func() bool) {
	h.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	daemon := h.daemon()
	daemon.Launcher, daemon.HoldsDue = h, due
	daemon.Certname = func(c *config.Config) string { return c.Puppet.Certname }
	if err := daemon.Serve(ctx, nil); err != nil {
		h.Fatal(err)
	}
}

func (h *holder) left() (requests int) {
	h.Helper()
	ids, err := h.dir.NotBegun()
	if err != nil {
		h.Fatal(err)
	}
	return len(ids)
}

// A hold that has ended is acted upon at the next look, once.
func TestHoldEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &holder{world: newWorld(t)}
		end, mended := time.Now().Add(10*time.Minute+time.Second), false
		h.does = func(id string) { mended = true; h.dir.Withdraw(id) }
		h.serve(time.Hour, func() bool { return !mended && time.Now().After(end) })
		if len(h.at) != 1 || h.at[0].Sub(end) > maxWait {
			t.Errorf("asked for at %v; want once, soon after %s", h.at, end)
		}
		if h.left() != 0 || len(h.launched) == 0 {
			t.Errorf("%d requests are left; %d runs", h.left(), len(h.launched))
		}
	})
}

// What does not help is tried again, and never becomes a storm nor a record.
func TestHoldWithoutHelp(t *testing.T) {
	for name, c := range map[string]struct {
		does  func(*holder) func(id string)
		tells error
	}{
		"it cannot be started":   {func(*holder) func(string) { return nil }, errors.New("the unit is masked")},
		"it never begins":        {func(*holder) func(string) { return nil }, nil},
		"it ends and has failed": {func(h *holder) func(string) { return func(id string) { h.dir.Withdraw(id) } }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &holder{world: newWorld(t), tells: c.tells}
				h.does = c.does(h)
				h.serve(time.Hour, func() bool { return true })
				if n := len(h.at); n < 30 || n > 60 {
					t.Errorf("%d tries in an hour", n)
				}
				if h.left() > 1 {
					t.Errorf("%d requests are left", h.left())
				}
				ids, _ := h.dir.IDs()
				if recorded := len(ids) - h.left(); recorded != len(h.launched) {
					t.Errorf("%d records of %d runs", recorded, len(h.launched))
				}
				if (h.schedule().LastError != "") != (c.tells != nil) {
					t.Errorf("status would say %q", h.schedule().LastError)
				}
				h.tells = nil
				h.does = func(id string) { h.dir.Withdraw(id) }
				h.serve(time.Minute, nil) // the next service takes up what is left
				if h.left() != 0 {
					t.Errorf("%d requests are left for ever", h.left())
				}
			})
		})
	}
}
