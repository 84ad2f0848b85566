package state_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/state"
)

func spooling(t testing.TB, most int) *state.Dir {
	t.Helper()
	d := newDir(t)
	d.SpoolUpTo(most)
	return d
}

func inSpool(d *state.Dir, n int) string { return filepath.Join(d.SpoolDir(), newID(n)+".json") }

// writeEntry leaves a record in the spool, as its file is.
func writeEntry(t testing.TB, path string, run api.Run) {
	t.Helper()
	data, err := json.Marshal(map[string]any{"schema": 1, "run": run})
	must(t, err)
	must(t, os.WriteFile(path, data, 0o640))
}

func drain(t testing.TB, d *state.Dir) *state.Drain {
	t.Helper()
	dr, err := d.Drain()
	must(t, err)
	t.Cleanup(dr.Release)
	return dr
}

// waiting are the runs that would be sent, by their numbers.
func waiting(t testing.TB, dr *state.Drain) (ns []int, unready int) {
	t.Helper()
	ids, unready, err := dr.Waiting()
	must(t, err)
	for _, id := range ids {
		var n int
		_, err := fmt.Sscanf(id[24:], "%x", &n)
		must(t, err)
		ns = append(ns, n)
	}
	return ns, unready
}

func taken(t testing.TB, dr *state.Drain, n int) api.Run {
	t.Helper()
	entries, _, err := dr.Take([]string{newID(n)}, 1)
	must(t, err)
	if len(entries) != 1 {
		t.Fatalf("%d entries", len(entries))
	}
	var run api.Run
	must(t, json.Unmarshal(entries[0].Run, &run))
	return run
}

func wantSpooled(t testing.TB, d *state.Dir, waiting, rejected, dropped, owed int) {
	t.Helper()
	s, err := d.Spooled()
	must(t, err)
	s.Oldest = nil
	if diff := cmp.Diff(state.Spooled{Waiting: waiting, Rejected: rejected, Dropped: dropped, Owed: owed}, s); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsSpooledUnlessAsked(t *testing.T) {
	d := newDir(t)
	finished(t, d, aRun(newID(1), api.Changed))
	wantSpooled(t, d, 0, 0, 0, 0)
	if exists(d.SpoolDir()) {
		t.Error("there is a spool")
	}
}

// What is recorded and what is sent is one record.
func TestSpoolHasTheRecord(t *testing.T) {
	d := spooling(t, 2)
	for n := range 4 {
		finished(t, d, aRun(newID(n+1), api.Changed))
	}
	wantSpooled(t, d, 2, 0, 2, 0)
	dr := drain(t, d)
	if got, _ := waiting(t, dr); !slices.Equal(got, []int{3, 4}) {
		t.Errorf("%v wait", got)
	}
	for _, n := range []int{3, 4} {
		recorded, err := d.Run(newID(n))
		must(t, err)
		sent := taken(t, dr, n)
		if diff := cmp.Diff(*recorded, sent); diff != "" {
			t.Errorf("run %d:\n%s", n, diff)
		}
		if sent.DroppedBefore != 1 {
			t.Errorf("run %d tells of %d that were dropped", n, sent.DroppedBefore)
		}
	}
	d.SpoolUpTo(1)
	finished(t, d, aRun(newID(5), api.Changed)) // drops 3; 4 is on its way
	if run, err := d.Run(newID(5)); err != nil || run.DroppedBefore != 2 {
		t.Errorf("it tells of %d, %v; want the one that was dropped and the one that it told of", run.DroppedBefore, err)
	}
	s, err := d.Spooled()
	must(t, err)
	if s.Oldest == nil || time.Since(*s.Oldest) > time.Minute {
		t.Errorf("the oldest waits since %v", s.Oldest)
	}
}

// A runner was killed between the spool and the record. What it spooled may have been
// sent by others' rules, so it is the outcome, whatever is judged later.
func TestSpooledOutcomeWins(t *testing.T) {
	d := spooling(t, 5)
	c := begin(t, d, 1)
	must(t, d.MakeSpool())
	writeEntry(t, inSpool(d, 1), aRun(newID(1), api.Failed))
	c.Release()
	dr := drain(t, d)
	if got, unready := waiting(t, dr); len(got) > 0 || unready != 1 {
		t.Errorf("%v could be sent, %d not yet", got, unready)
	}
	for _, most := range []int{1, 0} { // full, and then not in use any more
		d.SpoolUpTo(most)
		finished(t, d, aRun(newID(2+most), api.Changed))
	}
	c, err := d.Claim(newID(1))
	must(t, err)
	defer c.Release()
	must(t, c.Record(aRun(newID(1), api.Interrupted)))
	run, err := d.Run(newID(1))
	must(t, err)
	if run.Outcome != api.Failed || c.Final().Outcome != api.Failed {
		t.Errorf("recorded as %s, final is %s", run.Outcome, c.Final().Outcome)
	}
	if got, _ := waiting(t, dr); !slices.Contains(got, 1) {
		t.Errorf("only %v can be sent", got)
	}
}

// The record of a run does not hang on the spool.
func TestRecordWithoutSpool(t *testing.T) {
	d := spooling(t, 5)
	must(t, os.WriteFile(d.SpoolDir(), nil, 0o600))
	c := begin(t, d, 1)
	defer c.Release()
	err := c.Record(aRun(newID(1), api.Changed))
	if err == nil || !strings.Contains(err.Error(), d.SpoolDir()+" is in the way") {
		t.Errorf("error %v", err)
	}
	if d.Fate(newID(1)) != state.Recorded {
		t.Error("the run is not recorded")
	}
	if _, err := d.Spooled(); err == nil {
		t.Error("the counts of a spool that is none")
	}
}

func TestOneDrains(t *testing.T) {
	d := spooling(t, 5)
	dr := drain(t, d)
	_, err := d.Drain()
	wantErr(t, "a second one", err, state.ErrDraining)
	dr.Release()
	drain(t, d)
}

// A batch is bounded by its bytes as well, and has one entry at least.
func TestTakeBounds(t *testing.T) {
	d := spooling(t, 5)
	for n := range 4 {
		run := aRun(newID(n+1), api.Changed)
		run.Log = strings.Repeat("x", 1000)
		finished(t, d, run)
	}
	dr := drain(t, d)
	ids, _, err := dr.Waiting()
	must(t, err)
	for most, want := range map[int]int{1: 1, 2500: 2, 1 << 20: 4} {
		entries, rest, err := dr.Take(ids, most)
		must(t, err)
		if len(entries) != want || len(rest) != 4-want {
			t.Errorf("%d bytes: %d entries, %d left", most, len(entries), len(rest))
		}
	}
}

// Refused records are kept, and tell what was refused; what they told of is told by the
// next outcome. The oldest make room, and are counted.
func TestReject(t *testing.T) {
	const kept = 100
	d := spooling(t, 1)
	finished(t, d, aRun(newID(1), api.Changed))
	finished(t, d, aRun(newID(2), api.Changed)) // tells of 1
	dr := drain(t, d)
	must(t, dr.Reject(newID(2), state.Refusal{At: time.Now(), Status: "422", Answer: "no"}))
	wantSpooled(t, d, 0, 1, 1, 1)
	all, err := d.Refused()
	must(t, err)
	if len(all) != 1 || all[0].ID != newID(2) || all[0].Status != "422" || all[0].Answer != "no" {
		t.Errorf("refused are %+v", all)
	}
	d.SpoolUpTo(kept + 5)
	finished(t, d, aRun(newID(3), api.Changed))
	if run := taken(t, dr, 3); run.DroppedBefore != 1 {
		t.Errorf("the next tells of %d", run.DroppedBefore)
	}
	wantSpooled(t, d, 1, 1, 1, 0)
	for n := range kept - 1 {
		writeEntry(t, filepath.Join(d.RejectedDir(), newID(10+n)+".json"), aRun(newID(10+n), api.Changed))
	}
	finished(t, d, aRun(newID(200), api.Changed))
	must(t, dr.Reject(newID(200), state.Refusal{}))
	wantSpooled(t, d, 1, kept, 2, 1)
	back, err := d.Retry()
	must(t, err)
	if back != kept {
		t.Errorf("%d are back", back)
	}
	wantSpooled(t, d, 1+kept, 0, 2, 1)
	if run := taken(t, dr, 10); run.DroppedBefore != 0 {
		t.Errorf("a run that is tried again tells of %d", run.DroppedBefore)
	}
}

// A corrupt record is set aside and counted, one of a newer version is left alone;
// neither keeps the others up.
func TestSpoolOverDamage(t *testing.T) {
	newer := fmt.Sprintf(`{"schema":2,"run":{"id":%q}}`, newID(2))
	for _, most := range []int{3, 9} { // full or not
		d := spooling(t, 9)
		for n := range 5 {
			finished(t, d, aRun(newID(n+1), api.Changed))
		}
		must(t, os.WriteFile(inSpool(d, 1), []byte(`{"schema":1,"run":{"id"`), 0o640))
		must(t, os.WriteFile(inSpool(d, 2), []byte(newer), 0o640))
		d.SpoolUpTo(most)
		c := begin(t, d, 6)
		if err := c.Record(aRun(newID(6), api.Changed)); err != nil && !errors.Is(err, state.ErrCorrupt) {
			t.Error(err)
		}
		c.Release()
		dr := drain(t, d)
		var notes []error
		dr.Note = func(err error) { notes = append(notes, err) }
		ids, _, err := dr.Waiting()
		must(t, err)
		entries, _, err := dr.Take(ids, 1<<20)
		must(t, err)
		want := 4
		if most == 3 {
			want = 3
		}
		if len(entries) != want || entries[want-1].ID != newID(6) {
			t.Errorf("%d: %d entries", most, len(entries))
		}
		if left, err := os.ReadFile(inSpool(d, 2)); string(left) != newer {
			t.Errorf("the newer version's is %q, %v", left, err)
		}
		aside, err := filepath.Glob(inSpool(d, 1) + ".corrupt-*")
		if err != nil || len(aside) != 1 || exists(inSpool(d, 1)) {
			t.Errorf("set aside: %v, %v", aside, err)
		}
		s, err := d.Spooled()
		must(t, err)
		if lost := 6 - 1 - want; s.Dropped != lost {
			t.Errorf("%d: %d are counted; want %d", most, s.Dropped, lost)
		}
		if !slices.ContainsFunc(notes, func(err error) bool { return errors.Is(err, state.ErrNewer) }) {
			t.Errorf("notes: %v", notes)
		}
	}
}

// A newer version's count is not ours to change. What would have to be counted fails;
// all else goes on.
func TestNewerLedger(t *testing.T) {
	d := spooling(t, 2)
	must(t, d.MakeSpool())
	path := filepath.Join(d.SpoolDir(), "ledger.json")
	must(t, os.WriteFile(path, []byte(`{"schema":2}`), 0o644))
	finished(t, d, aRun(newID(1), api.Changed))
	finished(t, d, aRun(newID(2), api.Changed))
	c := begin(t, d, 3)
	defer c.Release()
	wantErr(t, "a full spool", c.Record(aRun(newID(3), api.Changed)), state.ErrNewer)
	dr := drain(t, d)
	taken(t, dr, 1)
	must(t, dr.Taken(newID(1)))
	_, err := d.Spooled()
	wantErr(t, "the counts", err, state.ErrNewer)
}

// Records of a clock that was ahead are the oldest, or they would stay for ever.
func TestSpoolOfClockAhead(t *testing.T) {
	d := spooling(t, 2)
	ahead := fmt.Sprintf("7fffffff-ffff-7e3f-8a4b-%012x", 1)
	finished(t, d, aRun(ahead, api.Changed))
	finished(t, d, aRun(newID(1), api.Changed))
	dr := drain(t, d)
	ids, _, err := dr.Waiting()
	must(t, err)
	if !slices.Equal(ids, []string{ahead, newID(1)}) {
		t.Errorf("in turn: %v", ids)
	}
	finished(t, d, aRun(newID(2), api.Changed))
	if got, _ := waiting(t, dr); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("left are %v", got)
	}
}

// Runners that record at one time, beside one that reports, lose and double nothing.
func TestSpoolByMany(t *testing.T) {
	const runners, each = 4, 10
	d := newDir(t)
	var wg sync.WaitGroup
	for r := range runners {
		wg.Go(func() {
			mine, err := state.Open(d.Path())
			if err != nil {
				t.Error(err)
				return
			}
			mine.SpoolUpTo(3)
			for n := range each {
				finished(t, mine, aRun(newID(r*each+n+1), api.Changed))
			}
		})
	}
	told, sent := 0, map[string]bool{}
	report := func() {
		dr := drain(t, d)
		defer dr.Release()
		ids, _, err := dr.Waiting()
		must(t, err)
		entries, _, err := dr.Take(ids[:min(2, len(ids))], 1<<20)
		must(t, err)
		for _, e := range entries {
			var run api.Run
			must(t, json.Unmarshal(e.Run, &run))
			if sent[e.ID] {
				t.Errorf("%s is sent twice", e.ID)
			}
			sent[e.ID], told = true, told+run.DroppedBefore
			must(t, dr.Taken(e.ID))
		}
	}
	for range 10 {
		report()
	}
	wg.Wait()
	for range runners * each {
		report()
	}
	if len(sent)+told != runners*each {
		t.Errorf("%d were sent and %d are told of; want %d in all", len(sent), told, runners*each)
	}
}

func TestReporting(t *testing.T) {
	d := newDir(t)
	_, err := d.Reporting()
	wantErr(t, "before the first", err, os.ErrNotExist)
	now, slot := time.Now().UTC().Truncate(time.Second), 0.5
	want := state.Reporting{Schema: 1, LastSuccess: &now, LastError: "x", NextTry: &now, Slot: &slot, SlotSince: &now, Dropped: 3}
	must(t, d.SetReporting(want))
	got, err := d.Reporting()
	must(t, err)
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Error(diff)
	}
	must(t, os.WriteFile(d.File("reporter.json"), []byte(`{"schema":1,"slot":1.5}`), 0o644))
	_, err = d.Reporting()
	wantErr(t, "a slot that is none", err, state.ErrCorrupt)
}

// A log of signs that HTML would have written as six is as long in the spool as it is: what
// grew beyond the bound of what is read back would be an outcome that is lost.
func TestLogOfSigns(t *testing.T) {
	d := spooling(t, 5)
	run := aRun(newID(1), api.Changed)
	run.Log = strings.Repeat("<&>", api.MaxLogBytes/3)
	finished(t, d, run)
	dr := drain(t, d)
	if got := taken(t, dr, 1); got.Log != run.Log {
		t.Errorf("%d bytes of the log are sent, of %d", len(got.Log), len(run.Log))
	}
	must(t, dr.Reject(newID(1), state.Refusal{Status: "422"}))
	fi, err := os.Stat(filepath.Join(d.RejectedDir(), newID(1)+".json"))
	must(t, err)
	if fi.Size() > api.MaxLogBytes*5/4 {
		t.Errorf("it is %d bytes when it was refused", fi.Size())
	}
}

// What decides the record of a run that is still to get one is not given up, nor what a newer
// version wrote. A corrupt one is.
func TestDrop(t *testing.T) {
	d := spooling(t, 5)
	c := begin(t, d, 1)
	defer c.Release()
	must(t, d.MakeSpool())
	writeEntry(t, inSpool(d, 1), aRun(newID(1), api.Failed))
	must(t, os.WriteFile(inSpool(d, 2), []byte(`{"schema":99}`), 0o640))
	must(t, os.WriteFile(inSpool(d, 3), []byte("half"), 0o640))
	dr := drain(t, d)
	for n, want := range map[int]string{1: "is not recorded yet", 2: "upgrade puppet-cron again", 4: "no outcome of run"} {
		if err := dr.Drop(newID(n)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("run %d: %v; want …%s…", n, err, want)
		}
	}
	must(t, dr.Drop(newID(3)))
	wantSpooled(t, d, 2, 0, 1, 1)
}
