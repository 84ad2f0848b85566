package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/state"
)

// launchFunc is a Launcher of one line.
type launchFunc func(id string) error

func (f launchFunc) Launch(_ context.Context, id string) error { return f(id) }

func (launchFunc) String() string { return "the test" }

// live starts a service that lives beside the test, until stop.
func (w *world) live(d *Daemon) (hangups chan<- os.Signal, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal)
	done := make(chan error, 1)
	go func() { done <- d.Serve(ctx, signals) }()
	return signals, func() {
		w.Helper()
		cancel()
		if err := <-done; err != nil {
			w.Fatal(err)
		}
	}
}

// A service that does well is never taken for one that hangs, also while the starter
// of runs takes its time and fails.
func TestWatchdogIsFed(t *testing.T) {
	for _, watchdog := range []time.Duration{time.Second, 3 * time.Second, 3 * time.Minute} {
		for name, launch := range map[string]launchFunc{
			"started":         nil,
			"refused":         func(string) error { return errors.New("the unit is masked") },
			"refused in time": func(string) error { time.Sleep(25 * time.Second); return errors.New("timed out") },
		} {
			t.Run(watchdog.String()+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { watchTheWatchdog(t, watchdog, launch) })
			})
		}
	}
}

func watchTheWatchdog(t *testing.T, watchdog time.Duration, launch launchFunc) {
	w := newWorld(t)
	d := w.daemon()
	d.Watchdog = watchdog
	if launch != nil {
		d.Launcher = launch
	}
	var mu sync.Mutex
	var fed time.Time
	var hungriest time.Duration
	feed := func(words string) {
		mu.Lock()
		defer mu.Unlock()
		if !fed.IsZero() {
			hungriest = max(hungriest, time.Since(fed))
		}
		if words == "WATCHDOG=1" || words == "READY=1" {
			fed = time.Now()
		}
	}
	d.Tell = feed
	_, stop := w.live(d)
	time.Sleep(w.config.Schedule.Every) // the first run is due by then
	stop()
	if hungriest == 0 || hungriest > watchdog/2 {
		t.Errorf("the watchdog went without for %s of %s", hungriest, watchdog)
	}
}

// A runner that was started and never begins its run: the run has an outcome, and a
// runner that comes too late has nothing left to do.
func TestRunNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		d := w.daemon()
		d.Launcher = launchFunc(func(string) error { return nil })
		hangups, stop := w.live(d)
		defer stop()
		var last *api.Run
		for over := time.Now().Add(time.Hour); last == nil && time.Now().Before(over); {
			time.Sleep(time.Second)
			last, _ = w.dir.Last(state.LastRun)
		}
		id := last.ID
		if waited := last.Ended.Sub(*last.Due); waited < beginTimeout || waited > beginTimeout+maxWait {
			t.Errorf("it was given up after %s", waited)
		}
		if last.Outcome != api.Errored || last.Reason != api.StartFailed || !strings.Contains(last.Message, "the test") {
			t.Errorf("%s/%s: %s", last.Outcome, last.Reason, last.Message)
		}
		if !strings.Contains(w.schedule().LastError, "not begun") {
			t.Errorf("status would say %q", w.schedule().LastError)
		}
		if _, err := w.dir.Claim(id); !errors.Is(err, state.ErrRecorded) {
			t.Errorf("the late runner: %v; want ErrRecorded", err)
		}

		w.reload = func() (*config.Config, error) { return nil, errors.New("line 3: nonsense") }
		hangups <- os.Interrupt
		time.Sleep(time.Hour)
		if last, err := w.dir.Last(state.LastRun); err != nil || last.ID == id || !strings.Contains(last.Message, "nonsense") {
			t.Errorf("with a broken configuration: %+v, %v", last, err)
		}
	})
}

// A run that its runner has begun is the runner's alone, however late and long.
func TestRunBegunInTime(t *testing.T) {
	for name, late := range map[string]time.Duration{"at once": 0, "late": beginTimeout - time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				d := w.daemon()
				d.Launcher = launchFunc(func(id string) error {
					go func() {
						time.Sleep(late)
						w.runFor(id, 5*time.Minute)
					}()
					return nil
				})
				_, stop := w.live(d)
				time.Sleep(3 * time.Hour)
				stop()
				time.Sleep(10 * time.Minute) // for a runner that outlives the service
				w.checkAll(api.Unchanged)
				if said := w.schedule().LastError; said != "" {
					t.Errorf("status would say %q", said)
				}
			})
		})
	}
}

// runFor is a runner that takes so long.
func (w *world) runFor(id string, d time.Duration) {
	claim, err := w.dir.Claim(id)
	if err != nil {
		w.Errorf("the runner of %s: %v", id, err)
		return
	}
	defer claim.Release()
	begun := time.Now()
	time.Sleep(d)
	ended := time.Now()
	if err := claim.Record(api.Run{
		Schema: 1, ID: id, Certname: "web01.example.com", Trigger: api.Schedule, Started: &begun, Ended: &ended, Outcome: api.Unchanged,
	}); err != nil {
		w.Error(err)
	}
}

// checkAll wants every run to have this outcome, and some to be there.
func (w *world) checkAll(want api.Outcome) {
	w.Helper()
	ids, err := w.dir.IDs()
	if err != nil || len(ids) < 5 {
		w.Fatalf("%d runs, %v", len(ids), err)
	}
	for _, id := range ids {
		if r, err := w.dir.Run(id); err != nil || r.Outcome != want {
			w.Errorf("run %s: %+v, %v; want %s", id, r, err, want)
		}
	}
}

// Another certname is another place in time. Up to the reload every slot of the old
// place has its run, from then on every slot of the new one, or it is counted.
func TestCertnameChanges(t *testing.T) {
	const oldName, newName = "web01.example.com", "db07.example.com"
	for minutes := time.Duration(0); minutes < 60; minutes += 7 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			d := w.daemon()
			hangups, stop := w.live(d)
			time.Sleep(3*time.Hour + minutes*time.Minute)
			renamed := *w.config
			renamed.Puppet.Certname = newName
			w.reload = func() (*config.Config, error) { return &renamed, nil }
			hangups <- os.Interrupt
			reloaded := time.Now()
			time.Sleep(4 * time.Hour)
			stop()

			w.checkAccounts(oldName, w.launched[0].at, reloaded)
			w.checkAccounts(newName, reloaded, time.Now())
			w.checkGaps()
		})
	}
}

// checkAccounts holds the runs in a time against the slots that a node of that name
// has in it.
func (w *world) checkAccounts(certname string, from, until time.Time) {
	w.Helper()
	spec, err := NewSpec(w.config, certname, nil)
	if err != nil {
		w.Fatal(err)
	}
	slots := map[time.Time]bool{}
	for due := spec.Next(from); !due.After(until); due = spec.Next(due) {
		slots[due] = true
	}
	accounted := 0
	for _, l := range w.launched {
		if !l.at.After(from) || l.at.After(until) {
			continue
		}
		accounted += l.request.Schedule.MissedSlots
		if l.request.Trigger != api.Schedule {
			continue
		}
		accounted++
		if !slots[*l.request.Due] {
			w.Errorf("%s: a run was due at %s, which is no slot, or one that had its run", certname, l.request.Due)
		}
		delete(slots, *l.request.Due)
	}
	for due := spec.Next(from); !due.After(until); due = spec.Next(due) {
		accounted--
	}
	if accounted != 0 {
		w.Errorf("%s: %d slots too many or too few are accounted for", certname, accounted)
	}
}

// checkGaps: a node is never without a run for longer than a missed one may take.
func (w *world) checkGaps() {
	w.Helper()
	for i := range w.launched[1:] {
		gap := w.launched[i+1].at.Sub(w.launched[i].at)
		if most := w.config.Schedule.Every + w.config.Schedule.CatchUp; gap <= 0 || gap > most {
			w.Errorf("%s between two runs, from %s; at most %s", gap, w.launched[i].at, most)
		}
	}
}

// The certname is learnt by a runner. The node moves to its place then, and stays.
func TestCertnameIsLearnt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		d := w.daemon()
		w.config.Puppet.Certname = ""
		var learnt atomic.Bool
		const name = "db07.example.com"
		d.Certname = func(*config.Config) string {
			if learnt.Load() {
				return name
			}
			return ""
		}
		d.Launcher = launchFunc(func(id string) error {
			defer learnt.Store(true)
			return w.Launch(t.Context(), id)
		})
		_, stop := w.live(d)
		published := map[float64]bool{}
		for range 10 * 60 {
			before := learnt.Load()
			time.Sleep(time.Minute)
			switch o := w.schedule().OffsetS; {
			case o != nil:
				published[*o] = true
			case before:
				t.Fatal("the certname was learnt a minute ago, and still there is no offset")
			}
		}
		stop()
		if len(published) != 1 {
			t.Errorf("the node was said to be at %v", published)
		}
		w.checkAccounts(name, w.launched[0].at, time.Now())
		w.checkGaps()
	})
}

// A storm of HUPs, at whatever time, is as if there had been none.
func TestHangupStorm(t *testing.T) {
	lived := func(stormAfter time.Duration) (at []time.Time) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			hangups, stop := w.live(w.daemon())
			time.Sleep(stormAfter)
			for range 100 {
				if stormAfter > 0 {
					hangups <- os.Interrupt
				}
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(5*time.Hour - stormAfter)
			stop()
			for _, l := range w.launched {
				at = append(at, l.at)
			}
		})
		return at
	}
	calm := lived(0)
	if len(calm) < 9 {
		t.Fatalf("%d runs in five hours", len(calm))
	}
	begin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of every bubble
	before := calm[3].Sub(begin)
	for _, after := range []time.Duration{time.Second, calm[0].Sub(begin) - time.Millisecond, before - 500*time.Millisecond, before, before + time.Minute} {
		if stormy := lived(after); !slices.EqualFunc(calm, stormy, time.Time.Equal) {
			t.Errorf("a storm %s after the start:\n%v\nwithout one:\n%v", after, stormy, calm)
		}
	}
}

// The last error stays as long as no run is begun: that its runner was started says
// little of one that ends at once.
func TestErrorOfRunnersThatBeginNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		d := w.daemon()
		var begins atomic.Bool
		d.Launcher = launchFunc(func(id string) error {
			if begins.Load() {
				w.runFor(id, time.Second)
			}
			return nil
		})
		_, stop := w.live(d)
		defer stop()
		time.Sleep(w.config.Schedule.Every + time.Minute)
		for range 3 * 60 {
			time.Sleep(time.Minute)
			if said := w.schedule().LastError; !strings.Contains(said, "not begun") {
				t.Fatalf("status says %q", said)
			}
		}
		begins.Store(true)
		time.Sleep(w.config.Schedule.Every + time.Minute)
		if said := w.schedule().LastError; said != "" {
			t.Errorf("after a run that was begun status says %q", said)
		}
	})
}

// A request that has become corrupt has an outcome, too, and is not asked for for ever.
func TestCorruptRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		d := w.daemon()
		d.Launcher = launchFunc(func(id string) error {
			return os.WriteFile(filepath.Join(w.dir.RunDir(id), "request.json"), []byte("{half"), 0o600)
		})
		_, stop := w.live(d)
		time.Sleep(w.config.Schedule.Every + time.Hour)
		stop()
		if last, err := w.dir.Last(state.LastRun); err != nil || last.Reason != api.StartFailed {
			t.Errorf("%+v, %v", last, err)
		}
	})
}
