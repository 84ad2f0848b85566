package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// standings: whatever nodes send and leave out, a node, the lists, the lines of the fleet and the
// summary say the same of how they stand, and it is what the rules say.
func standings(t *testing.T, s collector.Store) {
	checks := 0
	rapid.Check(t, func(t *rapid.T) {
		checks++
		w := &watch{Store: s, check: checks, now: t0.Add(time.Duration(checks) * 1000 * time.Hour), nodes: map[string]*watched{}, runs: map[string]*api.Run{}}
		defer w.end(t)
		w.listen(t)
		w.tick(t)
		t.Repeat(map[string]func(*rapid.T){
			"time":        w.Time,
			"time again":  w.Time,
			"start":       w.Start,
			"final":       w.Final,
			"late":        w.Late,
			"twice":       w.Twice,
			"away":        w.Away,
			"retire":      w.Retire,
			"certificate": w.Certificate,
			"check":       w.Check,
			"check again": w.Check,
		})
	})
}

// watch is a fleet of three and all that is known of it.
type watch struct {
	collector.Store
	check, ids int
	now        time.Time
	listened   time.Time
	heard      time.Time // nobody is late, silent or stuck before then who was not so already
	nodes      map[string]*watched
	runs       map[string]*api.Run // finals, by id
	last       *api.Run
}

// watched is what the rules say of a node, in words as simple as those that people read.
type watched struct {
	skew     time.Duration // of its clock
	seen     time.Time
	retired  bool
	begun    *api.Run
	begunAt  time.Time
	newest   moment // when the last executed run ended, as far as it counts
	outcome  api.Outcome
	streak   int
	spoken   moment // when the last run of any outcome ended, as far as it counts
	expected time.Time
	took     time.Duration
	ends     time.Time

	presence standing.Presence
	troubles []standing.Trouble
}

// moment is where a run stands in time, among those of the same time by its id.
type moment struct {
	at time.Time
	id string
}

func (m moment) before(other moment) bool {
	return m.at.Before(other.at) || m.at.Equal(other.at) && m.id < other.id
}

const (
	watchedEvery   = 30 * time.Minute
	watchedTimeout = 65 * time.Minute
)

// end leaves the store to the next check without nodes.
func (w *watch) end(t *rapid.T) {
	for name, n := range w.nodes {
		if n.seen.IsZero() {
			continue
		}
		if err := w.Store.Retire(t.Context(), name, w.now); err != nil {
			t.Error(err)
		}
	}
}

func (w *watch) name(t *rapid.T) string {
	return fmt.Sprintf("s%d-%s", w.check, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "node"))
}

func (w *watch) node(name string) *watched {
	if w.nodes[name] == nil {
		w.nodes[name] = &watched{}
	}
	return w.nodes[name]
}

// Time goes on; now and then for weeks.
func (w *watch) Time(t *rapid.T) {
	w.now = w.now.Add(rapid.SampledFrom([]time.Duration{
		time.Second, 4 * time.Minute, 11 * time.Minute, 31 * time.Minute, 67 * time.Minute, 26 * time.Hour, 31 * 24 * time.Hour,
	}).Draw(t, "time"))
	w.tick(t)
}

// Away: nobody has listened for a while, which is longer than a minute or is not.
func (w *watch) Away(t *rapid.T) {
	w.listen(t)
	w.now = w.now.Add(rapid.SampledFrom([]time.Duration{59 * time.Second, 40 * time.Minute, 31 * 24 * time.Hour}).Draw(t, "away"))
	w.listen(t)
	w.tick(t)
}

func (w *watch) listen(t *rapid.T) {
	if w.now.Sub(w.listened) > time.Minute {
		w.heard = w.now.Add(10 * time.Minute)
	}
	w.listened = w.now
	if err := w.Listen(t.Context(), w.now); err != nil {
		t.Fatal(err)
	}
}

func (w *watch) tick(t *rapid.T) {
	for more := true; more; {
		var err error
		if _, more, err = w.Tick(t.Context(), w.now, 2); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range w.nodes {
		n.judge(w.now, w.heard)
	}
}

func (w *watch) run(t *rapid.T, name string) *api.Run {
	n := w.node(name)
	if rapid.IntRange(0, 9).Draw(t, "clock is set") == 0 {
		n.skew = rapid.SampledFrom([]time.Duration{-time.Hour, 0, time.Hour}).Draw(t, "skew")
	}
	w.ids++
	started := w.now.Add(n.skew)
	return &api.Run{
		Schema: api.SchemaVersion, ID: id(1_000_000*w.check + w.ids), Certname: name, Trigger: api.Schedule, Started: &started,
		Schedule: &api.Announce{IntervalS: watchedEvery.Seconds(), TimeoutS: watchedTimeout.Seconds()},
	}
}

func (w *watch) put(t *rapid.T, run *api.Run) {
	if _, err := w.Put(t.Context(), w.now, []*api.Run{run}); err != nil {
		t.Fatal(err)
	}
	n := w.node(run.Certname)
	n.seen, n.retired = w.now, false
}

func (w *watch) Start(t *rapid.T) {
	name := w.name(t)
	run := w.run(t, name)
	w.put(t, run)
	n := w.node(name)
	if outlived := earlier(*run.Started, w.now).Before(n.newest.at); outlived {
		n.judge(w.now, w.heard)
		return
	}
	if n.begun == nil || (moment{earlier(*n.begun.Started, n.begunAt), n.begun.ID}).before(moment{earlier(*run.Started, w.now), run.ID}) {
		n.begun, n.begunAt = run, w.now
	}
	n.judge(w.now, w.heard)
}

// Final ends the run in progress, or is of one whose start was not heard of.
func (w *watch) Final(t *rapid.T) {
	name := w.name(t)
	run := w.run(t, name)
	n := w.node(name)
	if n.begun != nil && rapid.Bool().Draw(t, "of the start") {
		run.ID, run.Started = n.begun.ID, n.begun.Started
	}
	w.finish(t, n, run, w.now.Add(n.skew))
}

// Late is a run that was over long ago.
func (w *watch) Late(t *rapid.T) {
	name := w.name(t)
	run := w.run(t, name)
	n := w.node(name)
	ended := w.now.Add(n.skew - rapid.SampledFrom([]time.Duration{time.Minute, 2 * time.Hour}).Draw(t, "ago"))
	run.Started = &ended
	w.finish(t, n, run, ended)
}

func (w *watch) finish(t *rapid.T, n *watched, run *api.Run, ended time.Time) {
	run.Outcome = rapid.SampledFrom([]api.Outcome{api.Unchanged, api.Failed, api.Stale, api.Errored, api.Skipped, "unheard-of"}).Draw(t, "outcome")
	run.Trigger = rapid.SampledFrom([]api.Trigger{api.Schedule, api.Retry}).Draw(t, "trigger")
	wall := rapid.SampledFrom([]float64{10, 600}).Draw(t, "wall")
	next := ended.Add(rapid.SampledFrom([]time.Duration{-time.Minute, 20 * time.Minute, 12 * time.Hour}).Draw(t, "next due"))
	run.Ended, run.Usage, run.Schedule.NextDue = &ended, &api.Usage{WallS: wall}, &next
	w.put(t, run)
	w.runs[run.ID], w.last = run, run
	n.take(run, w.now)
	n.judge(w.now, w.heard)
}

func (w *watch) Twice(t *rapid.T) {
	if w.last == nil {
		return
	}
	w.put(t, w.last)
	w.node(w.last.Certname).judge(w.now, w.heard)
}

func (w *watch) Retire(t *rapid.T) {
	name := w.name(t)
	if w.nodes[name] == nil || w.nodes[name].seen.IsZero() {
		return
	}
	if err := w.Store.Retire(t.Context(), name, w.now); err != nil {
		t.Fatal(err)
	}
	w.nodes[name].retire()
}

func (w *watch) Certificate(t *rapid.T) {
	name := w.name(t)
	ends := w.now.Add(rapid.SampledFrom([]time.Duration{time.Hour, 20 * 24 * time.Hour}).Draw(t, "ends")).Truncate(time.Second)
	if err := w.NoteCertificates(t.Context(), map[string]time.Time{name: ends, "nobody": ends}, w.now); err != nil {
		t.Fatal(err)
	}
	if n := w.nodes[name]; n != nil && !n.seen.IsZero() && !n.retired {
		n.ends = ends
		n.judge(w.now, w.heard)
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// take notes what a final says.
func (n *watched) take(run *api.Run, now time.Time) {
	if n.begun != nil && n.begun.ID == run.ID {
		n.begun = nil
	}
	at := moment{earlier(*run.Ended, now), run.ID}
	if run.Outcome != api.Skipped && n.newest.before(at) {
		n.newest, n.outcome = at, run.Outcome
		n.took = time.Duration(run.Usage.WallS * float64(time.Second))
		switch {
		case run.Outcome == api.Unchanged:
			n.streak = 0
		case run.Outcome != "unheard-of" && (n.streak == 0 || run.Trigger != api.Retry):
			n.streak++
		}
		if n.begun != nil && earlier(*n.begun.Started, n.begunAt).Before(at.at) {
			n.begun = nil
		}
	}
	wait := run.Schedule.NextDue.Sub(*run.Ended)
	if wait < 0 {
		wait = watchedEvery
	}
	if expected := now.Add(wait + n.took); n.spoken.before(at) || expected.After(n.expected) {
		n.expected = expected
	}
	if n.spoken.before(at) {
		n.spoken = at
	}
}

func (n *watched) retire() {
	n.retired, n.presence, n.troubles = true, standing.Unknown, nil
}

// judge: 5 minutes of grace, two missed runs, 30 days; failing after three runs; 14 days of certificate.
func (n *watched) judge(now, heard time.Time) {
	if n.retired {
		return
	}
	const grace = 5 * time.Minute
	due := func(t time.Time, already bool) bool { return !now.Before(t) && (already || !now.Before(heard)) }
	was := n.presence
	wasStuck := slices.Contains(n.troubles, standing.Stuck)
	n.troubles = nil
	bad := map[api.Outcome]standing.Trouble{api.Stale: standing.Stale, api.Errored: standing.Errored}[n.outcome]
	if n.outcome == api.Failed && n.streak >= 3 {
		bad = standing.Failing
	}
	if bad != "" {
		n.troubles = append(n.troubles, bad)
	}
	stuck := n.begun != nil && due(n.begunAt.Add(watchedTimeout+grace), wasStuck)
	silentAt := n.expected.Add(watchedEvery + grace)
	switch {
	case n.expected.IsZero():
		n.presence, silentAt = standing.Unknown, n.seen
	case n.begun != nil && !stuck:
		n.presence = standing.Present
	case due(silentAt, was == standing.Silent):
		n.presence = standing.Silent
		if !stuck {
			n.troubles = append(n.troubles, standing.Gone)
		}
	case due(n.expected.Add(grace), was == standing.Late || was == standing.Silent):
		n.presence = standing.Late
	default:
		n.presence = standing.Present
	}
	if stuck {
		n.troubles = append(n.troubles, standing.Stuck)
	}
	if !n.ends.IsZero() && !now.Before(n.ends.Add(-14*24*time.Hour)) {
		n.troubles = append(n.troubles, standing.Ending)
	}
	if due(silentAt.Add(30*24*time.Hour), false) && due(n.seen.Add(30*24*time.Hour), false) {
		n.retire()
	}
}

// Check asks all that tells of nodes.
func (w *watch) Check(t *rapid.T) {
	lines := map[string]collector.Line{}
	fleet, err := w.Fleet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range fleet {
		lines[l.Certname] = l
	}
	sum := &collector.Summary{Presence: map[standing.Presence]int{}, Troubles: map[standing.Trouble]int{}}
	for name, n := range w.nodes {
		if n.seen.IsZero() {
			continue
		}
		w.checkNode(t, name, n)
		line, ok := lines[name]
		if ok == n.retired {
			t.Fatalf("%s: in the fleet: %v; retired: %v", name, ok, n.retired)
		}
		if n.retired {
			continue
		}
		if diff := cmp.Diff(n.troubles, line.Troubles.List()); line.Presence != n.presence || diff != "" {
			t.Fatalf("%s's line is %+v, want %q (-want +got):\n%s", name, line, n.presence, diff)
		}
		sum.Presence[n.presence]++
		for _, kind := range n.troubles {
			sum.Troubles[kind]++
		}
	}
	got, err := w.Summary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sum.Troubles, got.Troubles) + cmp.Diff(sum.Presence, got.Presence); diff != "" {
		t.Fatalf("summary (-want +got):\n%s", diff)
	}
	for _, f := range []collector.NodeFilter{{Presence: standing.Late}, {Presence: standing.Silent}, {Trouble: standing.Gone}, {Trouble: standing.Stuck}, {Trouble: standing.Errored}} {
		w.checkFilter(t, f)
	}
}

func (w *watch) checkNode(t *rapid.T, name string, n *watched) {
	got, err := w.Node(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []standing.Trouble
	for _, trouble := range got.Troubles {
		kinds = append(kinds, trouble.Kind)
	}
	if diff := cmp.Diff(n.troubles, kinds); diff != "" || got.Presence != n.presence || (got.Retired != nil) != n.retired || got.Streak != n.streak {
		t.Fatalf("%s at %s is %q, retired %v, streak %d, want %q, %v, %d; troubles (-want +got):\n%s",
			name, w.now, got.Presence, got.Retired, got.Streak, n.presence, n.retired, n.streak, diff)
	}
	if (got.Running != nil) != (n.begun != nil) {
		t.Fatalf("%s: running %+v, want %+v", name, got.Running, n.begun)
	}
}

func (w *watch) checkFilter(t *rapid.T, f collector.NodeFilter) {
	var want []string
	for name, n := range w.nodes {
		if !n.seen.IsZero() && !n.retired && (f.Presence == "" || f.Presence == n.presence) && (f.Trouble == "" || slices.Contains(n.troubles, f.Trouble)) {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	got, err := allNodes(t.Context(), w.Store, f, 2)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%+v: %v (-want +got):\n%s", f, err, diff)
	}
}
