package collector_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// putAll puts runs at the same time, each on a connection of its own, and gives the answers.
func (f *centre) putAll(runs []*api.Run) []*answer {
	answers := make([]*answer, len(runs))
	var wg sync.WaitGroup
	clients := make([]*http.Client, len(runs))
	for i, r := range runs {
		clients[i] = f.node(r.Certname)
	}
	for i, r := range runs {
		wg.Go(func() { answers[i] = f.do(clients[i], "PUT", "/v1/runs/"+r.ID, r) })
	}
	wg.Wait()
	return answers
}

func someRuns(n int) []*api.Run {
	runs := make([]*api.Run, n)
	for i := range runs {
		runs[i] = aRun(fmt.Sprintf("web%02d", i), i)
	}
	return runs
}

// Those who wait for one commit share the next.
func TestCommitsAreShared(t *testing.T) {
	f := newCentre(t, nil)
	hold := make(chan struct{})
	f.store.set(func(s *watchedStore) { s.hold = hold })
	runs := someRuns(20)
	done := make(chan []*answer)
	go func() { done <- f.putAll(runs) }()
	f.await("all but the first group wait", func() bool {
		puts := f.store.groups()
		return len(puts) == 1 && puts[0]+f.queued() == len(runs)
	})
	close(hold)
	for i, a := range <-done {
		if a.status != http.StatusCreated {
			t.Errorf("%d: %d %s", i, a.status, a.body)
		}
	}
	if puts := f.store.groups(); len(puts) != 2 {
		t.Errorf("20 runs were committed in groups of %v", puts)
	}
}

// queued is how many runs wait for a commit, as the metrics say.
func (f *centre) queued() int {
	a := f.do(f.admin, "GET", "/metrics", nil)
	for line := range strings.Lines(a.body) {
		if n, found := strings.CutPrefix(line, "puppet_cron_collector_queue_runs "); found {
			queued, _ := strconv.Atoi(strings.TrimSpace(n))
			return queued
		}
	}
	return -1
}

// await waits until something holds.
func (f *centre) await(what string, holds func() bool) {
	f.t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("it does not come about that %s", what)
		}
	}
}

// A run that the store cannot take harms no other, neither of its group nor of its batch,
// and is not given up by its node.
func TestOneBadRunHarmsNoOther(t *testing.T) {
	f := newCentre(t, nil)
	runs := someRuns(8)
	bad := runs[3]
	poisoned := errors.New("secret of the database")
	hold := make(chan struct{})
	f.store.set(func(s *watchedStore) {
		s.hold = hold
		s.fail = func(runs []*api.Run) error {
			for _, r := range runs {
				if r.ID == bad.ID || r.Certname == "batch" && r.ID == aRun("", 101).ID {
					return poisoned
				}
			}
			return nil
		}
	})
	done := make(chan []*answer)
	go func() { done <- f.putAll(runs) }()
	f.await("a group waits", func() bool { return f.queued() > 1 })
	close(hold)
	for i, a := range <-done {
		want := http.StatusCreated
		if runs[i] == bad {
			want = http.StatusInternalServerError
		}
		if a.status != want || strings.Contains(a.body, "secret") {
			t.Errorf("%d: %d %s", i, a.status, a.body)
		}
	}
	var batch api.Batch
	for i := range 3 {
		batch.Runs = append(batch.Runs, aRun("batch", 100+i))
	}
	got := answerOf(t, f.do(f.node("batch"), "POST", "/v1/runs:batch", batch))
	for i, r := range got.Results {
		if r.Status.Taken() != (i != 1) || r.Status == api.Rejected || strings.Contains(r.Error, "secret") {
			t.Errorf("%d: %+v", i, r)
		}
	}
	if !strings.Contains(f.log.String(), "secret of the database") {
		t.Error("the log does not say what the store said")
	}
}

// A store that is ill itself is not asked for each run of a thousand.
func TestIllStore(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		status int
		asked  int
	}{
		"busy":   {fmt.Errorf("the disk is full: %w", collector.ErrBusy), 503, 1},
		"broken": {errors.New("broken"), 500, 11},
	} {
		f := newCentre(t, nil)
		f.store.set(func(s *watchedStore) { s.fail = func([]*api.Run) error { return tt.err } })
		var batch api.Batch
		for i := range 100 {
			batch.Runs = append(batch.Runs, aRun("web01", i))
		}
		a := f.do(f.node("web01"), "POST", "/v1/runs:batch", batch)
		if p := a.problem(t); a.status != tt.status || p.Type != "" || strings.Contains(a.body, tt.err.Error()) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if (a.header.Get("Retry-After") != "") != (a.status == 503) {
			t.Errorf("%s: Retry-After %q", name, a.header.Get("Retry-After"))
		}
		if puts := f.store.groups(); len(puts) != tt.asked {
			t.Errorf("%s: the store was asked %d times", name, len(puts))
		}
	}
}

// What was taken over is committed before the end; what comes later is told to come again.
func TestEnd(t *testing.T) {
	f := newCentre(t, nil)
	hold := make(chan struct{})
	f.store.set(func(s *watchedStore) { s.hold = hold })
	runs := someRuns(5)
	done := make(chan []*answer)
	go func() { done <- f.putAll(runs) }()
	f.await("all are with the collector", func() bool {
		puts := f.store.groups()
		return len(puts) == 1 && puts[0]+f.queued() == len(runs)
	})
	f.cancel()
	close(hold)
	for i, a := range <-done {
		if a.status != http.StatusCreated {
			t.Errorf("%d: %d %s", i, a.status, a.body)
		}
	}
	<-f.ran
	if a := f.do(f.node("web09"), "PUT", "/v1/runs/"+aRun("", 9).ID, aRun("web09", 9)); a.status != http.StatusServiceUnavailable {
		t.Errorf("after the end: %d %s", a.status, a.body)
	}
	if n := f.store.count(t); n != len(runs) {
		t.Errorf("%d runs are in the store", n)
	}
}

// slowStore takes runs when it is told to.
type slowStore struct {
	collector.Store
	goes chan struct{}
}

func (s slowStore) Put(_ context.Context, _ time.Time, runs []*api.Run) ([]collector.Receipt, error) {
	<-s.goes
	receipts := make([]collector.Receipt, len(runs))
	for i := range receipts {
		receipts[i].Status = api.Stored
	}
	return receipts, nil
}

// Who leaves while his runs wait still counts for the memory that they take: else one node
// could come and go while the store is slow, and leave a batch behind each time.
func TestWhoLeavesHoldsHisShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slowStore{goes: make(chan struct{})}
		c, err := collector.New(collector.Options{Store: s, Dev: true, Limits: collector.Limits{BodyBytes: 64 << 10}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go c.Run(ctx)
		put := func(ctx context.Context) *httptest.ResponseRecorder {
			run := aRun("web01", 1)
			r := httptest.NewRequestWithContext(ctx, "PUT", "/v1/runs/"+run.ID, strings.NewReader(jsonOf(t, run)+strings.Repeat(" ", 40<<10)))
			w := httptest.NewRecorder()
			c.Handler().ServeHTTP(w, r)
			return w
		}
		leaving, leave := context.WithCancel(t.Context())
		go put(leaving)
		synctest.Wait()
		leave()
		synctest.Wait()
		patient, end := context.WithTimeout(t.Context(), time.Minute)
		defer end()
		if w := put(patient); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "reading too much") {
			t.Errorf("%d %s: there is room although his run is in memory", w.Code, w.Body)
		}
		close(s.goes)
		synctest.Wait()
		if w := put(t.Context()); w.Code != http.StatusCreated {
			t.Errorf("%d %s: there is no room although all was committed", w.Code, w.Body)
		}
	})
}

// hungStore answers nothing until it is given up.
type hungStore struct{ collector.Store }

func (hungStore) Put(ctx context.Context, _ time.Time, _ []*api.Run) ([]collector.Receipt, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A database that hangs does not keep the collector from ending: what waits was acknowledged
// to nobody.
func TestEndWithoutStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := collector.New(collector.Options{Store: hungStore{}, Dev: true, Limits: collector.Limits{GroupRuns: 1}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan struct{})
		go func() { c.Run(ctx); close(ran) }()
		for _, run := range someRuns(100) {
			go func() {
				w := httptest.NewRecorder()
				c.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/v1/runs/"+run.ID, strings.NewReader(jsonOf(t, run))))
				if w.Code != http.StatusServiceUnavailable {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			}()
		}
		synctest.Wait()
		cancel()
		begun := time.Now()
		<-ran
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("it took %v to end", took)
		}
	})
}

// Too many who wait are told to come again, each at another time.
func TestFullQueue(t *testing.T) {
	f := newCentre(t, func(o *collector.Options) { o.Limits.QueueRuns = 3 })
	hold := make(chan struct{})
	f.store.set(func(s *watchedStore) { s.hold = hold })
	done := make(chan []*answer)
	go func() { done <- f.putAll(someRuns(30)) }()
	f.await("the queue is full", func() bool { return f.queued() == 3 })
	f.await("others are refused", func() bool { return strings.Contains(f.do(f.admin, "GET", "/metrics", nil).body, `status="503"`) })
	close(hold)
	times := make(map[string]int)
	for _, a := range <-done {
		if a.status == http.StatusServiceUnavailable {
			times[a.header.Get("Retry-After")]++
		}
	}
	if len(times) < 2 {
		t.Errorf("Retry-After: %v", times)
	}
}
