package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
)

// killed is the end of a process at a point between two changes of files. Like the
// kernel, a panic lets go of locks and does nothing else.
type killed struct{}

// A world is a node with a collector. Each outcome ends up in exactly one place.
type world struct {
	t   *rapid.T
	dir *Dir

	next  int
	fuse  int                // changes of files until the process is killed; negative: never
	open  map[string]bool    // runs that were begun and have no record yet
	final map[string]api.Run // what was recorded
	sent  map[string]api.Run // what the collector took
	done  map[string]bool    // and said that it did
}

func newWorld(t *rapid.T, path string) *world {
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: d, fuse: -1, open: map[string]bool{}, final: map[string]api.Run{}, sent: map[string]api.Run{}, done: map[string]bool{}}
	d.killHere = func() {
		if w.fuse == 0 {
			panic(killed{})
		}
		w.fuse--
	}
	return w
}

// survive does something and reports whether its process lived through it.
func (w *world) survive(do func()) (alive bool) {
	w.fuse = rapid.IntRange(-1, 12).Draw(w.t, "fuse")
	defer func() {
		w.fuse = -1
		if r := recover(); r != nil {
			if _, ok := r.(killed); !ok {
				panic(r)
			}
			alive = false
		}
	}()
	do()
	return true
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Fatal(err)
	}
}

// record judges a run, a new one or one whose runner was killed. A later judge may come
// to another outcome; the first one that was spooled stands. It does what Claim.Record
// does, without all that has nothing to do with the spool.
func (w *world) record() {
	var id string
	if open := slices.Sorted(maps.Keys(w.open)); len(open) > 0 && rapid.Bool().Draw(w.t, "resume") {
		id = rapid.SampledFrom(open).Draw(w.t, "run")
	} else {
		id = w.begin()
	}
	run := aRunOf(id, rapid.SampledFrom(api.Outcomes()).Draw(w.t, "outcome"))
	most := rapid.IntRange(1, 4).Draw(w.t, "most")
	w.survive(func() { w.finish(run, most) })
}

func aRunOf(id string, o api.Outcome) api.Run {
	return api.Run{Schema: 1, ID: id, Certname: "n", Trigger: api.Manual, Outcome: o}
}

func (w *world) begin() string {
	w.next++
	id := fmt.Sprintf("0198b4a0-1c2d-7e3f-8a4b-%012x", w.next)
	w.must(os.Mkdir(w.dir.RunDir(id), 0o755))
	w.open[id] = true
	return id
}

func (w *world) finish(run api.Run, most int) {
	w.dir.SpoolUpTo(most)
	run, err := w.dir.enspool(run)
	w.must(err)
	w.dir.interrupt()
	data, err := json.Marshal(run)
	w.must(err)
	w.must(os.WriteFile(w.dir.RecordFile(run.ID), data, 0o640))
	delete(w.open, run.ID)
	w.final[run.ID] = run
}

// drain sends some of what waits. The collector takes, refuses, or does not answer.
func (w *world) drain() {
	var taken []string
	defer func() {
		for _, id := range taken {
			if there, _ := (&spool{dir: w.dir}).has(entryName(id)); !there {
				w.done[id] = true
			}
		}
	}()
	w.survive(func() {
		drain, err := w.dir.Drain()
		w.must(err)
		defer release(drain.lock) // which is what a kill leaves of it
		ready, _, err := drain.Waiting()
		w.must(err)
		entries, _, err := drain.Take(ready[:min(len(ready), rapid.IntRange(0, 3).Draw(w.t, "batch"))], 1<<20)
		w.must(err)
		for _, e := range entries {
			_, known := w.sent[e.ID]
			switch answer := rapid.IntRange(0, 3).Draw(w.t, "answer"); {
			case answer == 0: // none
			case answer == 1 && !known:
				w.must(drain.Reject(e.ID, Refusal{Status: "422"}))
			default:
				w.take(e)
				taken = append(taken, e.ID)
			}
		}
		if rapid.Bool().Draw(w.t, "record meanwhile") {
			fuse := w.fuse
			w.fuse = -1
			w.recordBeside(entries)
			w.fuse = fuse
		}
		w.must(drain.Taken(taken...))
		drain.Release()
	})
}

// recordBeside records a run while others are on their way: those stay.
func (w *world) recordBeside(entries []Entry) {
	there := func() (n int) {
		for _, e := range entries {
			if ok, _ := (&spool{dir: w.dir}).has(entryName(e.ID)); ok {
				n++
			}
		}
		return n
	}
	before := there()
	w.finish(aRunOf(w.begin(), api.Changed), 1)
	if after := there(); after != before {
		w.t.Fatalf("%d of %d entries on their way are left", after, before)
	}
}

// take is the collector's part: repeats change nothing.
func (w *world) take(e Entry) {
	var run api.Run
	w.must(json.Unmarshal(e.Run, &run))
	recorded, ok := w.final[run.ID]
	if !ok {
		w.t.Fatalf("run %s is sent before it is recorded", run.ID)
	}
	if recorded.Outcome != run.Outcome {
		w.t.Fatalf("run %s is sent as %s and recorded as %s", run.ID, run.Outcome, recorded.Outcome)
	}
	if first, ok := w.sent[run.ID]; ok && first.DroppedBefore != run.DroppedBefore {
		w.t.Fatalf("run %s told of %d and then of %d that were dropped", run.ID, first.DroppedBefore, run.DroppedBefore)
	}
	w.sent[run.ID] = run
}

func (w *world) retry() {
	w.survive(func() {
		_, err := w.dir.Retry()
		w.must(err)
	})
}

// giveUp drops what somebody names, be it there or not.
func (w *world) giveUp() {
	named := slices.Sorted(maps.Keys(w.final))
	if len(named) == 0 {
		return
	}
	id := rapid.SampledFrom(named).Draw(w.t, "given up")
	w.survive(func() {
		drain, err := w.dir.Drain()
		w.must(err)
		defer release(drain.lock)
		if err := drain.Drop(id); !errors.Is(err, fs.ErrNotExist) {
			w.must(err)
		}
	})
}

// check finishes what is half done and counts. An outcome is gone when the node has it no
// longer and the collector did not say that it has it; should its answer have been lost,
// the outcome is told of although it arrived, which the node cannot know.
func (w *world) check() {
	w.must(w.dir.withSpool(func(s *spool) error { return nil }))
	l, err := w.dir.ledger()
	w.must(err)
	told := l.Owed
	here := map[string]bool{}
	for _, dir := range []string{w.dir.SpoolDir(), w.dir.RejectedDir()} {
		ids, err := entries(dir)
		w.must(err)
		for _, id := range ids {
			if here[id] {
				w.t.Fatalf("run %s waits and is refused as well", id)
			}
			here[id] = true
			_, run, err := readEntry(filepath.Join(dir, entryName(id)), id)
			w.must(err)
			told += run.DroppedBefore
		}
	}
	gone := 0
	for id := range w.final {
		switch {
		case here[id] && w.done[id]:
			w.t.Fatalf("run %s is back, although the collector has it", id)
		case w.done[id]:
			told += w.sent[id].DroppedBefore
		case !here[id]:
			gone++
		}
	}
	if gone != told || gone != l.Dropped {
		w.t.Fatalf("%d outcomes are gone, %d are told of, %d were counted; %d are here, %d owed", gone, told, l.Dropped, len(here), l.Owed)
	}
}

// Each outcome that was recorded is in the spool, or refused, or taken by the collector,
// or counted in what another tells of, or owed: once, whenever processes are killed.
func TestSpoolCountsEveryOutcome(t *testing.T) {
	base := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		path := filepath.Join(base, strconv.Itoa(n))
		w := newWorld(t, path)
		defer os.RemoveAll(path)
		for range rapid.IntRange(1, 16).Draw(t, "steps") {
			rapid.SampledFrom([]func(){w.record, w.record, w.drain, w.retry, w.giveUp}).Draw(t, "step")()
			w.check()
		}
	})
}
