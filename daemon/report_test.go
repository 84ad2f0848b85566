package daemon

import (
	"context"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/state"
)

// reports is a reporter that notes what it is told.
type reports struct {
	mu     sync.Mutex
	woken  []time.Time
	starts []*api.Run
	used   []config.Reporter
	ending time.Duration // how long it takes to end
	ended  bool
	hangs  chan struct{} // until it is closed, no start gets through
}

func (r *reports) Run(ctx context.Context, wake <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			time.Sleep(r.ending)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.ended = true
			return
		case <-wake:
			r.mu.Lock()
			r.woken = append(r.woken, time.Now())
			r.mu.Unlock()
		}
	}
}

func (r *reports) Use(c config.Reporter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used = append(r.used, c)
}

func (r *reports) Started(ctx context.Context, run *api.Run) error {
	if r.hangs != nil {
		select {
		case <-r.hangs:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.starts = append(r.starts, run)
	return nil
}

// reporting is a world with a collector.
func reporting(t *testing.T, r *reports) (*world, *Daemon) {
	w := newWorld(t)
	w.config.Reporter.URL = "https://collector.example.com:8150"
	d := w.daemon()
	d.Reporter = r
	return w, d
}

// applying is a run whose Puppet has been started.
func (w *world) applying(id string) {
	w.Helper()
	self, err := process.Find(os.Getpid())
	if err != nil {
		w.Fatal(err)
	}
	now := time.Now()
	if err := w.dir.SetRunning(state.Running{ID: id, Trigger: api.Schedule, Since: now, Phase: state.Applying, Runner: self.ID, Started: &now, TimeoutS: 3900}); err != nil {
		w.Fatal(err)
	}
}

const someID = "01a2067e-c852-76c4-89ea-65bb73ab1dbf"

// The reporter hears at once of an outcome, and looks for itself as often as the clock is
// looked at.
func TestReporterIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(reports)
		w, d := reporting(t, r)
		var watched []string
		d.Watch = func(dir string) error { watched = append(watched, dir); return nil }
		_, stop := w.live(d)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(r.woken); n < 2 {
			t.Errorf("woken %d times in a minute", n)
		}
		synctest.Wait()
		before := len(r.woken)
		for _, name := range []string{"schedule.json", "sending.json", "." + someID + ".json", "other"} {
			d.Appeared(name)
		}
		synctest.Wait()
		if len(r.woken) != before {
			t.Error("woken by what is no outcome")
		}
		for _, name := range []string{someID + ".json", "last-run.json", ""} {
			before := len(r.woken)
			d.Appeared(name)
			synctest.Wait()
			if len(r.woken) == before {
				t.Errorf("not woken by %q", name)
			}
		}
		stop()
		if len(watched) < 2 || watched[0] != w.dir.Path() || watched[1] != w.dir.SpoolDir() {
			t.Errorf("watched are %v", watched)
		}
	})
}

// A start is told of once, with what the node announces, and never without a collector.
func TestStartIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(reports)
		w, d := reporting(t, r)
		hangups, stop := w.live(d)
		time.Sleep(time.Second)
		synctest.Wait()
		w.applying(someID)
		d.Appeared("running.json")
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(r.starts) != 1 {
			t.Fatalf("told of %d starts", len(r.starts))
		}
		run := r.starts[0]
		if err := run.Validate(); err != nil || run.Outcome != "" || run.Ended != nil {
			t.Errorf("%v: %+v", err, run)
		}
		if run.ID != someID || run.Certname != "web01.example.com" || run.Started == nil || run.Schedule.TimeoutS != 3900 || run.Schedule.IntervalS != 1800 || run.Schedule.NextDue == nil {
			t.Errorf("got %+v, %+v", run, run.Schedule)
		}
		nowhere := *w.config
		nowhere.Reporter.URL = ""
		w.reload = func() (*config.Config, error) { return &nowhere, nil }
		hangups <- os.Interrupt
		synctest.Wait()
		w.applying("01a2067e-c852-76c4-89ea-65bb73ab1dc0")
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(r.starts) != 1 || len(r.used) != 1 || r.used[0].URL != "" {
			t.Errorf("told of %d starts, %+v in use", len(r.starts), r.used)
		}
		stop()
	})
}

// A collector that hangs keeps no run off, and no service from ending.
func TestClockWaitsForNoCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reports{hangs: make(chan struct{}), ending: 4 * time.Second}
		w, d := reporting(t, r)
		_, stop := w.live(d)
		synctest.Wait()
		for i := range 5 {
			w.applying("01a2067e-c852-76c4-89ea-65bb73ab1db" + string(rune('0'+i)))
			d.Appeared("running.json")
			time.Sleep(time.Hour)
		}
		begin := time.Now()
		stop()
		if took := time.Since(begin); took != r.ending || !r.ended {
			t.Errorf("the end took %s", took)
		}
		w.checkGaps()
		if n := len(w.launched); n < 9 {
			t.Errorf("%d runs in five hours", n)
		}
	})
}

// Outcomes are spooled where there is a collector, those that the service records too.
func TestServiceSpools(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := reporting(t, new(reports))
		_, stop := w.live(d)
		time.Sleep(2 * time.Hour)
		stop()
		s, err := w.dir.Spooled()
		if err != nil || s.Waiting != len(w.launched) {
			t.Errorf("%d outcomes of %d runs wait, %v", s.Waiting, len(w.launched), err)
		}
	})
}

// What the reporter has learnt is news for those who read the node's metrics.
func TestReportedIsNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := reporting(t, new(reports))
		told := 0
		d.Changed = func(*config.Config) error { told++; return nil }
		_, stop := w.live(d)
		time.Sleep(time.Second)
		synctest.Wait()
		before := told
		d.Reported()
		synctest.Wait()
		if told != before+1 {
			t.Errorf("told %d times", told-before)
		}
		stop()
	})
}
