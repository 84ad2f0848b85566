package state_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/state"
)

func now() time.Time { return time.Now() }

func ids(numbers ...int) []string {
	var s []string
	for _, n := range numbers {
		s = append(s, newID(n))
	}
	return s
}

func TestPrune(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		keep state.Keep
		want []string
	}{
		"no bound":         {state.Keep{}, ids(6, 5, 4, 3, 2, 1)},
		"count":            {state.Keep{Runs: 2}, ids(6, 5, 4, 2)},
		"age":              {state.Keep{Age: 36 * time.Hour}, ids(6, 5, 4, 2)},
		"size":             {state.Keep{Bytes: 25 << 10}, ids(6, 5, 4, 2)},
		"age of all":       {state.Keep{Age: 1}, ids(6, 5, 2)},
		"size of not one":  {state.Keep{Bytes: 1}, ids(6, 5, 2)},
		"the strictest of": {state.Keep{Runs: 4, Age: 60 * time.Hour, Bytes: 1 << 30}, ids(6, 5, 4, 3, 2)},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDir(t)
			for days, n := range []int{5, 4, 3, 1} { // 6 is asked for and 2 was begun: neither is recorded
				finished(t, d, aRun(newID(n), api.Changed))
				must(t, os.WriteFile(inRun(d, n, "output.log"), make([]byte, 10<<10), 0o640))
				age(t, inRun(d, n, "run.json"), time.Duration(days)*day+time.Minute)
			}
			ask(t, d, 6)
			begin(t, d, 2).Release()
			for range 2 {
				must(t, d.Prune(tt.keep, now()))
				if got, err := d.IDs(); err != nil || !slices.Equal(got, tt.want) {
					t.Errorf("left are %v, %v; want %v", got, err, tt.want)
				}
			}
			if left := hidden(t, d); len(left) > 0 {
				t.Errorf("half removed: %v", left)
			}
		})
	}
}

// hidden lists everything half-made below the directory.
func hidden(t *testing.T, d *state.Dir) []string {
	t.Helper()
	var found []string
	must(t, filepath.WalkDir(d.Path(), func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Name()[0] == '.' {
			found = append(found, path)
		}
		return err
	}))
	return found
}

func TestPruneSweeps(t *testing.T) {
	d := newDir(t)
	finished(t, d, aRun(newID(1), api.Changed))
	runs := filepath.Dir(d.RunDir("x"))
	old := []string{
		d.File(".tmp-running.json-123"), filepath.Join(runs, ".tmp-x"), inRun(d, 1, ".tmp-run.json-9"),
		filepath.Join(runs, ".begin-"+newID(2)), filepath.Join(runs, ".gone-"+newID(3)),
	}
	stay := []string{
		d.File(".tmp-young"), filepath.Join(runs, ".begin-"+newID(4)), // young
		filepath.Join(runs, ".begin-"+newID(5)),                                                // locked
		filepath.Join(runs, ".begin-notes"), filepath.Join(runs, "notes"), d.File(".somebody"), // not ours
	}
	for _, path := range slices.Concat(old, stay) {
		if filepath.Dir(path) == runs && filepath.Base(path) != ".tmp-x" {
			must(t, os.Mkdir(path, 0o755))
			must(t, os.WriteFile(filepath.Join(path, "lock"), nil, 0o600))
		} else {
			must(t, os.WriteFile(path, nil, 0o600))
		}
	}
	lock := mustLock(t, filepath.Join(stay[2], "lock"))
	for _, path := range slices.Concat(old, stay[2:]) {
		age(t, path, 2*time.Hour)
	}
	must(t, d.Prune(state.Keep{}, now()))
	for _, path := range old {
		if exists(path) {
			t.Errorf("%s stays", path)
		}
	}
	for _, path := range stay {
		if !exists(path) {
			t.Errorf("%s is gone", path)
		}
	}
	must(t, lock.Unlock())
	must(t, d.Prune(state.Keep{}, now()))
	if exists(stay[2]) {
		t.Errorf("%s stays although its process is gone", stay[2])
	}
}

func TestPruneTogether(t *testing.T) {
	d := newDir(t)
	for n := range 20 {
		finished(t, d, aRun(newID(n), api.Changed))
	}
	together(8, func(int) {
		if err := d.Prune(state.Keep{Runs: 3}, now()); err != nil {
			t.Error(err)
		}
	})
	if got, err := d.IDs(); err != nil || !slices.Equal(got, ids(19, 18, 17)) {
		t.Errorf("left are %v, %v", got, err)
	}
	must(t, state.View(filepath.Join(d.Path(), "nowhere")).Prune(state.Keep{Runs: 1}, now()))
}
