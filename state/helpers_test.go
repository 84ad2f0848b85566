package state_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/filelock"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

// childEnv makes this test binary play a part in a process of its own.
const childEnv = "STATE_TEST_CHILD"

var children = map[string]func(args []string) error{}

func TestMain(m *testing.M) {
	if play, ok := children[os.Getenv(childEnv)]; ok {
		if err := play(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func asRoot() bool { return os.Geteuid() == 0 }

// newID is the id of the n-th run: ids of later runs are greater.
func newID(n int) string { return fmt.Sprintf("0198b4a0-1c2d-7e3f-8a4b-%012x", n) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v; want %v", what, err, want)
	}
}

// tempDir can be reached by everybody and written by us alone.
func tempDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	must(t, os.Chmod(dir, 0o755))
	return dir
}

func newDir(t testing.TB) *state.Dir {
	t.Helper()
	d, err := state.Open(filepath.Join(tempDir(t), "state"))
	must(t, err)
	return d
}

func request(id string) state.Request {
	return state.Request{ID: id, Trigger: api.Manual, Asked: time.Now()}
}

func begin(t testing.TB, d *state.Dir, n int) *state.Claim {
	t.Helper()
	c, err := d.Begin(request(newID(n)))
	must(t, err)
	return c
}

// ask leaves a request for a run that nobody has begun, as the service does.
func ask(t testing.TB, d *state.Dir, n int) string {
	t.Helper()
	req := request(newID(n))
	req.Schema = 1
	data, err := json.Marshal(req)
	must(t, err)
	must(t, os.Mkdir(d.RunDir(req.ID), 0o755))
	must(t, os.WriteFile(inRun(d, n, "request.json"), data, 0o640))
	return req.ID
}

func inRun(d *state.Dir, n int, file string) string { return filepath.Join(d.RunDir(newID(n)), file) }

func aRun(id string, outcome api.Outcome) api.Run {
	ended := time.Unix(1795395999, 0).UTC()
	return api.Run{Schema: 1, ID: id, Certname: "n", Trigger: api.Manual, Ended: &ended, Outcome: outcome}
}

// finished is a run that was begun, recorded and released.
func finished(t testing.TB, d *state.Dir, run api.Run) {
	t.Helper()
	c, err := d.Begin(request(run.ID))
	must(t, err)
	defer c.Release()
	must(t, c.Record(run))
}

func aRunning(n int) state.Running {
	return state.Running{ID: newID(n), Trigger: api.Manual, Since: time.Now(), Phase: state.Applying, Runner: process.ID{PID: 1, Start: "1"}}
}

func aSchedule(n int) state.Schedule {
	at := time.Date(2026, 11, 23, 5, 10, 0, 0, time.UTC)
	return state.Schedule{Schema: 1, Ledger: scheduler.Ledger{
		Through: at, Missed: 2, CatchUp: at, Tries: 1, Retries: 1, Again: scheduler.Again{At: at, Trigger: api.Retry},
		Taken: scheduler.Taken{ID: newID(n), Due: at, Trigger: api.CatchUp, Missed: 3},
	}}
}

func mustLock(t testing.TB, path string) *filelock.Lock {
	t.Helper()
	l, err := filelock.TryLock(path)
	if l == nil || err != nil {
		t.Fatalf("cannot lock %s: %v, %v", path, l, err)
	}
	return l
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func age(t testing.TB, path string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	must(t, os.Chtimes(path, then, then))
}
