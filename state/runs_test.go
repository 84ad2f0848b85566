package state_test

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/state"
)

func TestOneRunsLife(t *testing.T) {
	d := newDir(t)
	c := begin(t, d, 1)
	if c.ID != newID(1) || c.Resumed {
		t.Errorf("claim of %s, resumed %v", c.ID, c.Resumed)
	}
	_, err := d.Claim(c.ID)
	wantErr(t, "a claim on a claimed run", err, state.ErrTaken)
	must(t, c.Reserve(0))
	if fi, err := os.Stat(inRun(d, 1, "reserve")); err != nil || fi.Size() < 64<<10 {
		t.Errorf("the reserve: %v, %v", fi, err)
	}
	run := aRun(c.ID, api.Changed)
	run.Failures, run.Log = []api.Failure{{Message: "secret"}}, "secret"
	must(t, c.Record(run))
	if exists(inRun(d, 1, "reserve")) {
		t.Error("the reserve stays")
	}
	wantErr(t, "a second record", c.Record(aRun(c.ID, api.Failed)), state.ErrRecorded)
	_, err = d.Claim(c.ID)
	wantErr(t, "a claim on a recorded run, still held", err, state.ErrRecorded)
	c.Release()
	_, err = d.Claim(c.ID)
	wantErr(t, "a claim on a recorded run", err, state.ErrRecorded)
	got, err := d.Run(c.ID)
	must(t, err)
	if diff := cmp.Diff(&run, got); diff != "" {
		t.Errorf("read back another run:\n%s", diff)
	}
	req, err := d.Request(c.ID)
	if err != nil || req.Trigger != api.Manual || req.Schema != 1 {
		t.Errorf("request %+v, %v", req, err)
	}
	if exists(inRun(d, 1, "lock")) {
		t.Error("the claim's file stays")
	}
}

func TestResumed(t *testing.T) {
	d := newDir(t)
	begin(t, d, 1).Release() // as the kernel does when the process dies
	asked := ask(t, d, 2)
	for id, want := range map[string]bool{newID(1): true, asked: false} {
		for range 2 {
			c, err := d.Claim(id)
			must(t, err)
			if c.Resumed != want {
				t.Errorf("%s: resumed is %v; want %v", id, c.Resumed, want)
			}
			c.Release()
			want = true // who claims it the second time comes after one that died
		}
	}
}

// A process that died while it tried to claim a run has begun nothing: it made the
// lock's file, no more.
func TestTryingIsNotBeginning(t *testing.T) {
	d := newDir(t)
	id := ask(t, d, 1)
	must(t, os.WriteFile(inRun(d, 1, "lock"), nil, 0o600))
	if ids, err := d.Unfinished(); len(ids) > 0 || err != nil {
		t.Errorf("unfinished: %v, %v", ids, err)
	}
	c, err := d.Claim(id)
	must(t, err)
	defer c.Release()
	if c.Resumed {
		t.Error("resumed, but nobody had begun it")
	}
}

func TestBadIDs(t *testing.T) {
	d := newDir(t)
	for _, id := range []string{"", ".", "..", "../../etc", strings.ToUpper(newID(10)), newID(1) + "/"} {
		_, begun := d.Begin(request(id))
		_, claimed := d.Claim(id)
		_, asked := d.Request(id)
		_, run := d.Run(id)
		for what, err := range map[string]error{"Begin": begun, "Claim": claimed, "Request": asked, "Run": run} {
			if err == nil || !strings.Contains(err.Error(), "must be a UUID in lower case") {
				t.Errorf("%s(%q): %v", what, id, err)
			}
		}
	}
	_, err := d.Claim(newID(1))
	wantErr(t, "a claim on nothing", err, fs.ErrNotExist)
	if err == nil || !strings.HasPrefix(err.Error(), "there is no run "+newID(1)) {
		t.Errorf("a claim on nothing: %v", err)
	}
}

func TestBeginTwice(t *testing.T) {
	d := newDir(t)
	c := begin(t, d, 1)
	defer c.Release()
	_, err := d.Begin(request(c.ID))
	if err == nil || !errors.Is(err, fs.ErrExist) {
		t.Errorf("the second: %v", err)
	}
	if _, err := d.Request(c.ID); err != nil {
		t.Errorf("the first one's request is gone: %v", err)
	}
	_, err = d.Claim(c.ID)
	wantErr(t, "a claim after both", err, state.ErrTaken)
	if entries, err := os.ReadDir(filepath.Dir(d.RunDir(c.ID))); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v are left", entries, err)
	}
}

// together calls f in n goroutines at once.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() { <-start; f(i) })
	}
	close(start)
	wg.Wait()
}

func TestBeginTogether(t *testing.T) {
	d := newDir(t)
	var mu sync.Mutex
	var claims []*state.Claim
	together(16, func(int) {
		if c, err := d.Begin(request(newID(1))); err == nil {
			mu.Lock()
			claims = append(claims, c)
			mu.Unlock()
		}
	})
	if len(claims) != 1 {
		t.Fatalf("%d began the run", len(claims))
	}
	if _, err := d.Claim(newID(1)); !errors.Is(err, state.ErrTaken) {
		t.Errorf("it can be seen unclaimed: %v", err)
	}
	claims[0].Release()
}

// Whoever looks at a run that is being begun finds none or a claimed one.
func TestNeverSeenUnclaimed(t *testing.T) {
	d := newDir(t)
	const runs = 20
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			ids, err := d.IDs()
			if err != nil {
				t.Error(err)
			}
			for _, id := range ids {
				if _, err := d.Request(id); err != nil {
					t.Errorf("without its request: %v", err)
				}
				if _, err := d.Claim(id); !errors.Is(err, state.ErrTaken) {
					t.Errorf("a claim: %v; want ErrTaken", err)
				}
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for n := range runs {
		c := begin(t, d, n)
		defer c.Release()
	}
	close(done)
	wg.Wait()
}

func TestFirstFinalWins(t *testing.T) {
	d := newDir(t)
	for n := range 5 {
		id := ask(t, d, n)
		var mu sync.Mutex
		var won []string
		together(8, func(i int) {
			for {
				c, err := d.Claim(id)
				if errors.Is(err, state.ErrTaken) {
					continue
				}
				if err != nil {
					if !errors.Is(err, state.ErrRecorded) {
						t.Error(err)
					}
					return
				}
				run := aRun(id, api.Unchanged)
				run.Message = strconv.Itoa(i)
				if err := c.Record(run); err == nil {
					mu.Lock()
					won = append(won, run.Message)
					mu.Unlock()
				} else if !errors.Is(err, state.ErrRecorded) {
					t.Error(err)
				}
				c.Release()
			}
		})
		run, err := d.Run(id)
		if err != nil || len(won) != 1 || run.Message != won[0] {
			t.Errorf("%v recorded it; found %+v, %v", won, run, err)
		}
		if exists(inRun(d, n, "lock")) {
			t.Error("one that came too late left a lock")
		}
	}
}

// A record that cannot be written is none: the run can be recorded later.
func TestFailedRecord(t *testing.T) {
	d := newDir(t)
	c := begin(t, d, 1)
	must(t, c.Reserve(0))
	hide := d.RunDir(c.ID) + ".hidden"
	unsayable := aRun(c.ID, api.Unchanged)
	unsayable.TimingsS = map[string]float64{"total": math.NaN()}
	must(t, os.Rename(d.RunDir(c.ID), hide))
	gone := c.Record(aRun(c.ID, api.Unchanged))
	must(t, os.Rename(hide, d.RunDir(c.ID)))
	readOnly := gone
	if !asRoot() { // root may write anywhere
		must(t, os.Chmod(d.RunDir(c.ID), 0o555))
		readOnly = c.Record(aRun(c.ID, api.Unchanged))
		must(t, os.Chmod(d.RunDir(c.ID), 0o755))
	}
	for what, err := range map[string]error{
		"no directory": gone, "read-only": readOnly, "NaN": c.Record(unsayable), "another run": c.Record(aRun(newID(2), api.Unchanged)),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "cannot record run ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := d.Run(c.ID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a failed record left %v", err)
	}
	if ids, _ := d.Unfinished(); !slices.Equal(ids, []string{c.ID}) {
		t.Errorf("unfinished: %v", ids)
	}
	must(t, c.Record(aRun(c.ID, api.Changed)))
	c.Release()
	if run, err := d.Run(c.ID); err != nil || run.Outcome != api.Changed {
		t.Errorf("%+v, %v", run, err)
	}
}

func TestReserveFails(t *testing.T) {
	d := newDir(t)
	c := begin(t, d, 1)
	defer c.Release()
	must(t, os.Mkdir(inRun(d, 1, "reserve"), 0o755))
	if err := c.Reserve(0); err == nil || !strings.Contains(err.Error(), c.ID) {
		t.Errorf("got %v", err)
	}
}

func TestLists(t *testing.T) {
	d := newDir(t)
	finished(t, d, aRun(newID(2), api.Changed))
	ask(t, d, 3)
	begin(t, d, 1).Release()
	held := begin(t, d, 4)
	defer held.Release()
	runs := filepath.Dir(d.RunDir("x"))
	for _, other := range []string{".begin-" + newID(8), ".gone-" + newID(9), "notes", strings.ToUpper(newID(11))} {
		must(t, os.Mkdir(filepath.Join(runs, other), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(runs, newID(12)), nil, 0o600))
	ids, err := d.IDs()
	if want := []string{newID(4), newID(3), newID(2), newID(1)}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("IDs: %v, %v; want %v", ids, err, want)
	}
	ids, err = d.Unfinished()
	if want := []string{newID(4), newID(1)}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("Unfinished: %v, %v; want %v", ids, err, want)
	}
	nowhere := state.View(filepath.Join(d.Path(), "nowhere"))
	if ids, err := nowhere.Unfinished(); len(ids) != 0 || err != nil {
		t.Errorf("of no directory: %v, %v", ids, err)
	}
}
