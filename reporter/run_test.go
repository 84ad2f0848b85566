package reporter

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/state"
)

// A service runs a reporter whose pauses end when the test says so.
type service struct {
	*Reporter
	wake   chan struct{}
	pauses chan time.Duration
	resume chan time.Time

	mu      sync.Mutex
	changes int
}

func serve(t *testing.T, d *state.Dir, url string) *service {
	t.Helper()
	s := &service{Reporter: newReporter(t, d, url), wake: make(chan struct{}), pauses: make(chan time.Duration), resume: make(chan time.Time)}
	ctx, cancel := context.WithCancel(t.Context())
	s.After = func(p time.Duration) <-chan time.Time {
		select {
		case s.pauses <- p:
		case <-ctx.Done():
		}
		return s.resume
	}
	s.Changed = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changes++
	}
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx, s.wake) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return s
}

// rests is how long it wants to wait now.
func (s *service) rests(t *testing.T) time.Duration {
	t.Helper()
	select {
	case p := <-s.pauses:
		return p
	case <-time.After(20 * time.Second):
		t.Fatal("it does not come to rest")
	}
	return 0
}

// Outcomes go out when they come; what fails is tried again when its time has come, and
// not before, whoever wakes; reporter.json tells of it all the while.
func TestRun(t *testing.T) {
	col, d := newCollector(t), newState(t, 2)
	s := serve(t, d, col.URL)
	if got := s.rests(t); got != look {
		t.Errorf("at rest for %s", got)
	}
	col.wantStored(t, 2)
	record(t, d, aRun(3))
	s.wake <- struct{}{}
	s.rests(t)
	col.wantStored(t, 3)

	col.mu.Lock()
	col.answer = func(w http.ResponseWriter, _ call) bool {
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	before := len(col.calls)
	col.mu.Unlock()
	record(t, d, aRun(4))
	s.wake <- struct{}{}
	if got := s.rests(t); got != retryAfterMost {
		t.Errorf("it waits for %s", got)
	}
	known, err := d.Reporting()
	must(t, err)
	if known.LastError == "" || known.FailingSince == nil || known.NextTry == nil || known.LastSuccess == nil {
		t.Errorf("known is %+v", known)
	}
	since := *known.FailingSince
	for range 3 {
		s.wake <- struct{}{} // is heard, and changes nothing
	}
	s.resume <- time.Time{}
	s.rests(t)
	known, err = d.Reporting()
	must(t, err)
	if !known.FailingSince.Equal(since) {
		t.Errorf("failing since %v, no longer since %v", known.FailingSince, since)
	}
	col.mu.Lock()
	if got := len(col.calls) - before; got != 2 {
		t.Errorf("%d tries", got)
	}
	col.answer = nil
	col.mu.Unlock()
	s.resume <- time.Time{}
	s.rests(t)
	col.wantStored(t, 4)
	known, err = d.Reporting()
	must(t, err)
	if known.LastError != "" || known.FailingSince != nil || known.NextTry != nil {
		t.Errorf("known is %+v", known)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes != 5 {
		t.Errorf("%d changes were told", s.changes)
	}
}

// Pauses grow while nothing works, and begin anew with another configuration, which is
// tried at once.
func TestRunByAnotherConfiguration(t *testing.T) {
	bad, good, d := newCollector(t), newCollector(t), newState(t, 1)
	bad.answer = func(w http.ResponseWriter, _ call) bool { w.WriteHeader(http.StatusInternalServerError); return true }
	s := serve(t, d, bad.URL)
	var longest time.Duration
	for range 30 {
		longest = max(longest, s.rests(t))
		s.resume <- time.Time{}
	}
	s.rests(t)
	if longest > backoffMost || longest < backoffBase {
		t.Errorf("the longest pause was %s", longest)
	}
	c := s.Config
	c.URL = good.URL
	s.Use(c)
	s.rests(t)
	good.wantStored(t, 1)
	c.URL = ""
	s.Use(c)
	s.rests(t)
	record(t, d, aRun(2))
	s.wake <- struct{}{}
	s.rests(t)
	wantSpool(t, d, 1, 0)
	c.URL = good.URL
	s.Use(c)
	s.rests(t)
	good.wantStored(t, 2)
}

// While its runner has not made a record final, or another process reports, it is looked
// for again soon, and then less and less often.
func TestRunLooksAgain(t *testing.T) {
	col, d := newCollector(t), newState(t, 1)
	other, err := d.Drain()
	must(t, err)
	s := serve(t, d, col.URL)
	var waits []time.Duration
	for range 10 {
		waits = append(waits, s.rests(t))
		s.resume <- time.Time{}
	}
	if waits[0] != soon || waits[9] != look || !slices.IsSorted(waits) {
		t.Errorf("it waited %v", waits)
	}
	s.rests(t)
	other.Release()
	s.resume <- time.Time{}
	s.rests(t)
	col.wantStored(t, 1)
}

// What is known of the reporting survives what is done to its file, but for a newer
// version's, which is left alone and keeps nothing up.
func TestReportingFile(t *testing.T) {
	col, d := newCollector(t), newState(t, 1)
	r := newReporter(t, d, col.URL)
	if _, err := d.Reporting(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	writeFile(t, d.File("reporter.json"), "{")
	must(t, r.Flush(t.Context()))
	if known, err := d.Reporting(); err != nil || known.LastSuccess == nil {
		t.Errorf("known is %+v, %v", known, err)
	}
	const newer = `{"schema":2}`
	writeFile(t, d.File("reporter.json"), newer)
	record(t, d, aRun(2))
	must(t, r.Flush(t.Context()))
	col.wantStored(t, 2)
	if got := readFile(t, d.File("reporter.json")); got != newer {
		t.Errorf("the file is %q", got)
	}
}

// A slot is kept when it is one, and its time changes only with it.
func TestSlot(t *testing.T) {
	col, d := newCollector(t), newState(t, 0)
	r := newReporter(t, d, col.URL)
	var since *time.Time
	n := 0
	for _, c := range []struct{ given, want float64 }{{0.5, 0.5}, {0.5, 0.5}, {1, 0.5}, {-1, 0.5}, {0.25, 0.25}, {0, 0}} {
		n++
		record(t, d, aRun(n))
		col.slot = &c.given
		must(t, r.Flush(t.Context()))
		known, err := d.Reporting()
		must(t, err)
		if known.Slot == nil || *known.Slot != c.want || known.SlotSince == nil {
			t.Fatalf("given %g, known is %+v", c.given, known)
		}
		if n == 2 && !known.SlotSince.Equal(*since) {
			t.Error("the same slot is a new one")
		}
		since = known.SlotSince
	}
}
