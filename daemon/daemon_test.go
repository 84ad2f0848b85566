package daemon

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/filelock"
	"github.com/puppet-cron/puppet-cron/state"
)

// world is a node whose runners are made of one line: they record, at once.
type world struct {
	*testing.T
	dir    *state.Dir
	config *config.Config
	reload func() (*config.Config, error)

	refuse   error          // why no runner can be started
	outcome  func(*api.Run) // what becomes of a run; nil: it is unchanged
	launched []launch
	told     []string
}

type launch struct {
	at      time.Time
	request state.Request
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := config.Default()
	c.StateDir = filepath.Join(t.TempDir(), "state")
	c.Puppet.Certname = "web01.example.com"
	dir, err := state.Open(c.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, dir: dir, config: &c}
	w.reload = func() (*config.Config, error) { return w.config, nil }
	return w
}

// Launch is the Launcher.
func (w *world) Launch(_ context.Context, id string) error {
	if w.refuse != nil {
		return w.refuse
	}
	req, err := w.dir.Request(id)
	if err != nil {
		w.Errorf("a runner was started for %s: %v", id, err)
		return nil
	}
	w.launched = append(w.launched, launch{time.Now(), *req})
	claim, err := w.dir.Claim(id)
	if err != nil {
		w.Errorf("the runner of %s: %v", id, err)
		return nil
	}
	defer claim.Release()
	now := time.Now()
	run := api.Run{
		Schema: 1, ID: id, Certname: "web01.example.com", Trigger: req.Trigger, Due: req.Due, Started: &now, Ended: &now,
		Outcome: api.Unchanged, Schedule: req.Schedule,
	}
	if w.outcome != nil {
		w.outcome(&run)
	}
	if err := claim.Record(run); err != nil {
		w.Error(err)
	}
	return nil
}

func (w *world) String() string { return "the test" }

func (w *world) daemon() *Daemon {
	return &Daemon{
		State: w.dir, Config: w.config, Reload: func() (*config.Config, error) { return w.reload() }, Launcher: w,
		Version: "test", Log: slog.New(slog.DiscardHandler), Tell: func(s string) { w.told = append(w.told, s) },
		Certname: func(c *config.Config) string { return c.Puppet.Certname },
	}
}

// serve lets a service live for so long.
func (w *world) serve(d time.Duration) {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	if err := w.daemon().Serve(ctx, nil); err != nil {
		w.Fatal(err)
	}
}

func (w *world) schedule() *state.Schedule {
	w.Helper()
	s, err := w.dir.Schedule()
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// Every slot is a run, at its time, however often the service is stopped.
func TestOnTimeOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		spec, err := NewSpec(w.config, "web01.example.com", nil)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		w.serve(time.Hour) // the first run, and what follows it
		first := len(w.launched)
		from := time.Now()
		for i := range 200 { // restarts at all moments, four days long
			w.serve(time.Duration(17+i%41) * time.Minute)
		}
		if w.launched[0].at.Sub(begin) > w.config.Schedule.CatchUp {
			t.Errorf("the first run came %s after the first start", w.launched[0].at.Sub(begin))
		}
		want := spec.Next(from)
		for _, l := range w.launched[first:] {
			if late := l.at.Sub(want); late < 0 || late > time.Second || l.request.Trigger != api.Schedule {
				t.Fatalf("a run (%s) at %s; want one at %s", l.request.Trigger, l.at, want)
			}
			want = spec.Next(want)
		}
		if until := time.Now(); !want.After(until) {
			t.Errorf("no run at %s, although the service lived until %s", want, until)
		}
		if s := w.schedule(); s.OffsetS == nil || s.IntervalS != 1800 || s.NextDue == nil || !s.NextDue.Equal(want) {
			t.Errorf("schedule.json says %+v; want the next run at %s", s, want)
		}
	})
}

// What was due while the service was away is one run, which counts the slots.
func TestAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve(2 * time.Hour)
		before := len(w.launched)
		time.Sleep(8 * time.Hour)
		back := time.Now()
		w.serve(w.config.Schedule.CatchUp)
		caught := w.launched[before:]
		if len(caught) != 1 {
			t.Fatalf("%d runs within catch_up; want one", len(caught))
		}
		missed := caught[0].request.Schedule.MissedSlots
		if missed < 15 || missed > 17 {
			t.Errorf("%d slots are counted as missed in eight hours; want 16 or so", missed)
		}
		if caught[0].at.Sub(back) > w.config.Schedule.CatchUp {
			t.Errorf("the catch-up run came after %s", caught[0].at.Sub(back))
		}
	})
}

// A service killed between its steps neither loses nor repeats a run.
func TestTakenOver(t *testing.T) {
	for _, fate := range []state.Fate{state.Absent, state.Asked, state.Recorded} {
		t.Run(string(fate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.serve(time.Hour)
				before := len(w.launched)
				d := w.daemon()
				if err := d.open(); err != nil {
					t.Fatal(err)
				}
				const id = "01a2067e-c852-76c4-89ea-65bb73ab1dbf"
				plan := d.spec.Plan(d.kept.Ledger)
				time.Sleep(time.Until(plan.At))
				d.kept.Ledger = d.kept.Ledger.Take(plan, id)
				if err := d.keep(); err != nil {
					t.Fatal(err)
				}
				if fate != state.Absent {
					if err := d.State.Ask(d.request(id, plan)); err != nil {
						t.Fatal(err)
					}
				}
				if fate == state.Recorded {
					if err := w.Launch(t.Context(), id); err != nil {
						t.Fatal(err)
					}
				}
				w.serve(time.Minute)
				if n := len(w.launched) - before; n != 1 {
					t.Fatalf("%d runs; want one", n)
				}
				got := w.launched[before].request
				if fate == state.Absent && got.Schedule.MissedSlots != 1 || fate != state.Absent && got.ID != id {
					t.Errorf("run %s, missed %d", got.ID, got.Schedule.MissedSlots)
				}
			})
		})
	}
}

// A run that cannot be started has an outcome all the same.
func TestStartFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.refuse = errors.New("the unit is masked")
		w.serve(time.Hour)
		last, err := w.dir.Last(state.LastRun)
		if err != nil {
			t.Fatal(err)
		}
		if last.Outcome != api.Errored || last.Reason != api.StartFailed || !strings.Contains(last.Message, "masked") {
			t.Errorf("%s/%s: %s", last.Outcome, last.Reason, last.Message)
		}
		if s := w.schedule(); !strings.Contains(s.LastError, "masked") {
			t.Errorf("status would say %q", s.LastError)
		}
		w.refuse = nil
		w.serve(time.Hour)
		if len(w.launched) == 0 || w.schedule().LastError != "" {
			t.Errorf("%d runs after the cure, error %q", len(w.launched), w.schedule().LastError)
		}
	})
}

func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(context.Background())
		hangups := make(chan os.Signal)
		done := make(chan error, 1)
		go func() { done <- w.daemon().Serve(ctx, hangups) }()
		time.Sleep(time.Hour)
		offset := *w.schedule().OffsetS

		w.reload = func() (*config.Config, error) { return nil, errors.New("line 3: nonsense") }
		hangups <- os.Interrupt
		time.Sleep(time.Minute)
		if s := w.schedule(); !strings.Contains(s.ConfigError, "nonsense") || s.IntervalS != 1800 {
			t.Errorf("after a bad file: error %q, interval %g", s.ConfigError, s.IntervalS)
		}

		hourly := *w.config
		hourly.Schedule.Every = time.Hour
		w.reload = func() (*config.Config, error) { return &hourly, nil }
		hangups <- os.Interrupt
		time.Sleep(time.Minute)
		if s := w.schedule(); s.ConfigError != "" || s.IntervalS != 3600 || *s.OffsetS != 2*offset {
			t.Errorf("after a good file: error %q, interval %g, offset %g (before %g)", s.ConfigError, s.IntervalS, *s.OffsetS, offset)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if all := strings.Join(w.told, "\n"); !strings.Contains(all, "RELOADING=1") || !strings.Contains(all, "STATUS=next run") {
			t.Errorf("the service manager was told\n%s", all)
		}
	})
}

func TestSecondService(t *testing.T) {
	w := newWorld(t)
	lock, err := filelock.TryLock(w.dir.ServeLock())
	if err != nil || lock == nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	if err := w.daemon().Serve(t.Context(), nil); !errors.Is(err, ErrSecond) {
		t.Errorf("%v; want ErrSecond", err)
	}
}

func TestLedgers(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		refused bool
	}{
		"corrupt":         {"{half", false},
		"newer":           {`{"schema":99}`, true},
		"from the future": {`{"schema":1,"ledger":{"through":"2150-01-01T00:00:00Z"}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				if err := os.WriteFile(w.dir.File("schedule.json"), []byte(c.content), 0o644); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Hour)
				defer cancel()
				err := w.daemon().Serve(ctx, nil)
				if errors.Is(err, state.ErrNewer) != c.refused {
					t.Errorf("%v", err)
				}
				if !c.refused && len(w.launched) == 0 {
					t.Error("no run in two hours")
				}
			})
		})
	}
}
