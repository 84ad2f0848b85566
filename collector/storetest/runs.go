package storetest

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

func firstFinalWins(t *testing.T, s collector.Store) {
	first, second := final(1, "web01", t0, api.Failed), final(1, "web01", t0.Add(time.Minute), api.Changed)
	put(t, s, t0, []*api.Run{first, second}, api.Stored, api.AlreadyIn)
	put(t, s, t0.Add(time.Hour), []*api.Run{second}, api.AlreadyIn)
	run, err := s.Run(t.Context(), id(1))
	if err != nil || run.Outcome != api.Failed || !run.Received.Equal(t0) {
		t.Errorf("got %+v, %v; want the first one", run, err)
	}
	if last := node(t, s, "web01").Last; last.Outcome != api.Failed {
		t.Errorf("the node's last run is %+v, want the first one", last)
	}
}

func othersID(t *testing.T, s collector.Store) {
	put(t, s, t0, []*api.Run{final(1, "web01", t0, api.Changed), begun(2, "web01", t0)}, api.Stored, api.Stored)
	put(t, s, t0, []*api.Run{
		final(1, "web02", t0, api.Failed), begun(1, "web02", t0), final(2, "web02", t0, api.Failed), final(3, "web02", t0, api.Failed),
	}, api.Rejected, api.Rejected, api.Rejected, api.Stored)
	run, err := s.Run(t.Context(), id(1))
	if err != nil || run.Certname != "web01" {
		t.Errorf("got %+v, %v; want web01's", run, err)
	}
	if last := node(t, s, "web02").Last; last.ID != id(3) {
		t.Errorf("the last run of web02 is %+v, want its own", last)
	}
	put(t, s, t0, []*api.Run{final(4, "web01", t0, api.Changed), final(4, "web02", t0, api.Changed)}, api.Stored, api.Rejected)
	put(t, s, t0, []*api.Run{final(5, "WEB01", t0, api.Changed)}, api.Stored)
}

func starts(t *testing.T, s collector.Store) {
	put(t, s, t0, []*api.Run{begun(1, "web01", t0)}, api.Stored)
	put(t, s, t0, []*api.Run{begun(1, "web01", t0)}, api.AlreadyIn)
	run, err := s.Run(t.Context(), id(1))
	if err != nil || run.Outcome != "" || !run.Started.Equal(t0) {
		t.Errorf("got %+v, %v; want the start", run, err)
	}
	if runs, err := allRuns(t.Context(), s, collector.RunFilter{}, 10); err != nil || len(runs) != 0 {
		t.Errorf("%d runs are listed, %v; a start is none", len(runs), err)
	}
	n := node(t, s, "web01")
	if n.Running == nil || n.Running.ID != id(1) || n.Last != nil {
		t.Errorf("got %+v, want a node with a run in progress", n)
	}
	put(t, s, t0.Add(time.Minute), []*api.Run{final(1, "web01", t0.Add(time.Minute), api.Changed)}, api.Stored)
	put(t, s, t0.Add(time.Hour), []*api.Run{begun(1, "web01", t0)}, api.AlreadyIn)
	n = node(t, s, "web01")
	if n.Running != nil || n.Last.ID != id(1) {
		t.Errorf("got %+v, want a node whose run has ended", n)
	}
	if !n.LastSeen.Equal(t0.Add(time.Hour)) || !n.FirstSeen.Equal(t0) {
		t.Errorf("seen from %v to %v; a start is heard as well", n.FirstSeen, n.LastSeen)
	}
	put(t, s, t0.Add(3*time.Hour), []*api.Run{begun(2, "web01", t0.Add(2*time.Hour)), final(2, "web01", t0.Add(3*time.Hour), api.Changed)}, api.Stored, api.Stored)
	if n = node(t, s, "web01"); n.Running != nil {
		t.Errorf("%+v is in progress although its final came with it", n.Running)
	}
	// The final of a run that began before another one ended was lost.
	put(t, s, t0.Add(4*time.Hour), []*api.Run{begun(3, "web01", t0.Add(4*time.Hour))}, api.Stored)
	put(t, s, t0.Add(5*time.Hour), []*api.Run{final(4, "web01", t0.Add(5*time.Hour), api.Changed)}, api.Stored)
	put(t, s, t0.Add(6*time.Hour), []*api.Run{begun(5, "web01", t0.Add(4*time.Hour))}, api.AlreadyIn)
	if n = node(t, s, "web01"); n.Running != nil {
		t.Errorf("%+v is in progress although another run has ended since", n.Running)
	}
}

func lastRun(t *testing.T, s collector.Store) {
	at := func(minute int) time.Time { return t0.Add(time.Duration(minute) * time.Minute) }
	newer := final(9, "web01", at(30), api.Failed)
	newer.Environment, newer.PuppetVersion = "production", "8"
	older := final(1, "web01", at(10), api.Changed)
	older.Environment, older.PuppetVersion = "old", "7"
	put(t, s, at(31), []*api.Run{newer}, api.Stored)
	put(t, s, at(60), []*api.Run{older}, api.Stored) // from a spool
	n := node(t, s, "web01")
	if n.Last.ID != id(9) || n.LastExecuted.ID != id(9) || n.Environment != "production" || n.PuppetVersion != "8" {
		t.Errorf("got %+v, want what the later run says", n)
	}
	skipped := final(10, "web01", at(61), api.Skipped)
	skipped.Reason = api.Disabled
	skipped.Disabled = &api.DisableInfo{By: "alice", Reason: "maintenance"}
	put(t, s, at(61), []*api.Run{skipped}, api.Stored)
	n = node(t, s, "web01")
	if n.Last.ID != id(10) || n.LastExecuted.ID != id(9) || n.Disabled == nil || n.Disabled.By != "alice" || n.Environment != "production" {
		t.Errorf("got %+v, want a disabled node that failed last", n)
	}
}

func clockAhead(t *testing.T, s collector.Store) {
	put(t, s, t0, []*api.Run{final(9, "web01", t0.AddDate(10, 0, 0), api.Failed)}, api.Stored)
	put(t, s, t0.Add(time.Hour), []*api.Run{final(1, "web01", t0.Add(time.Hour), api.Changed)}, api.Stored)
	if last := node(t, s, "web01").Last; last.Outcome != api.Changed {
		t.Errorf("the last run is %+v, want the one that came later", last)
	}
}

func dropped(t *testing.T, s collector.Store) {
	run := final(1, "web01", t0, api.Unchanged)
	run.DroppedBefore = 7
	put(t, s, t0, []*api.Run{run, run}, api.Stored, api.AlreadyIn)
	put(t, s, t0, []*api.Run{run}, api.AlreadyIn)
	other := final(2, "web01", t0.Add(-time.Hour), api.Unchanged)
	other.DroppedBefore = 5
	put(t, s, t0, []*api.Run{other}, api.Stored)
	if n := node(t, s, "web01"); n.Dropped != 12 {
		t.Errorf("%d are dropped, want 12", n.Dropped)
	}
	// Nodes that make numbers up leave the others' countable.
	for i, certname := range []string{"web01", "web02", "web03"} {
		for k := range 2 {
			mad := final(10+2*i+k, certname, t0, api.Unchanged)
			mad.DroppedBefore = math.MaxInt
			put(t, s, t0, []*api.Run{mad}, api.Stored)
		}
		if n := node(t, s, certname); n.Dropped < math.MaxInt32 {
			t.Errorf("%s: %d are dropped", certname, n.Dropped)
		}
	}
	if sum, err := s.Summary(t.Context()); err != nil || sum.Dropped < math.MaxInt32 {
		t.Errorf("the sum is %+v, %v", sum, err)
	}
}

func listsOfRuns(t *testing.T, s collector.Store) {
	outcomes := []api.Outcome{api.Unchanged, api.Changed, api.Failed, api.Skipped, "brand_new"}
	var want []*api.Run
	for i := range 60 {
		run := final(i+1, []string{"web01", "web02", "web03"}[i%3], t0.Add(time.Duration(-i)*time.Minute), outcomes[i%len(outcomes)])
		run.Environment = []string{"production", "staging"}[i%2]
		if run.Outcome == api.Skipped {
			run.Reason = api.Locked
		}
		want = append(want, run)
	}
	for i := 0; i < len(want); i += 6 {
		put(t, s, t0.Add(time.Duration(i)*time.Second), want[i:i+6])
	}
	slices.Reverse(want) // the last received first, and of one receipt the highest id
	for name, tt := range map[string]struct {
		filter collector.RunFilter
		want   func(i int, r *api.Run) bool
	}{
		"all":                 {collector.RunFilter{}, func(int, *api.Run) bool { return true }},
		"node":                {collector.RunFilter{Certname: "web02"}, func(_ int, r *api.Run) bool { return r.Certname == "web02" }},
		"no such node":        {collector.RunFilter{Certname: "web"}, func(int, *api.Run) bool { return false }},
		"unchanged":           {collector.RunFilter{Outcome: api.Unchanged}, func(_ int, r *api.Run) bool { return r.Outcome == api.Unchanged }},
		"failed":              {collector.RunFilter{Outcome: api.Failed}, func(_ int, r *api.Run) bool { return r.Outcome == api.Failed }},
		"unknown outcome":     {collector.RunFilter{Outcome: "brand_new"}, func(_ int, r *api.Run) bool { return r.Outcome == "brand_new" }},
		"reason":              {collector.RunFilter{Reason: api.Locked}, func(_ int, r *api.Run) bool { return r.Reason == api.Locked }},
		"environment":         {collector.RunFilter{Environment: "staging"}, func(_ int, r *api.Run) bool { return r.Environment == "staging" }},
		"node and outcome":    {collector.RunFilter{Certname: "web01", Outcome: api.Failed}, func(_ int, r *api.Run) bool { return r.Certname == "web01" && r.Outcome == api.Failed }},
		"since":               {collector.RunFilter{Since: t0.Add(30 * time.Second)}, func(i int, _ *api.Run) bool { return i < 30 }},
		"until":               {collector.RunFilter{Until: t0.Add(30 * time.Second)}, func(i int, _ *api.Run) bool { return i >= 30 }},
		"between, elsewhere":  {collector.RunFilter{Since: t0.Add(6 * time.Second).In(time.FixedZone("", 3600)), Until: t0.Add(12 * time.Second)}, func(i int, _ *api.Run) bool { return i >= 48 && i < 54 }},
		"skipped for nothing": {collector.RunFilter{Outcome: api.Skipped, Reason: api.Held}, func(int, *api.Run) bool { return false }},
	} {
		ids := []string{}
		for i, r := range want {
			if tt.want(i, r) {
				ids = append(ids, r.ID)
			}
		}
		for _, limit := range []int{1, 7, 500} {
			runs, err := allRuns(t.Context(), s, tt.filter, limit)
			if err != nil {
				t.Errorf("%s, %d at a time: %v", name, limit, err)
			} else if diff := cmp.Diff(ids, idsOf(runs)); diff != "" {
				t.Errorf("%s, %d at a time (-want +got):\n%s", name, limit, diff)
			}
		}
	}
}

// largePages: whoever lists runs with long logs gets them in pages that fit into memory.
func largePages(t *testing.T, s collector.Store) {
	const n, log, most = 9, 1 << 20, 6 << 20
	var want []string
	for i := range n {
		run := final(i+1, "web01", t0, api.Failed)
		run.Log = strings.Repeat("x", log)
		put(t, s, t0.Add(time.Duration(i)*time.Second), []*api.Run{run}, api.Stored)
		want = append([]string{run.ID}, want...)
	}
	var got []string
	for cursor, more := "", true; more; more = cursor != "" {
		runs, next, err := s.Runs(t.Context(), collector.RunFilter{}, collector.Page{Limit: collector.MaxPage, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		if len(runs)*log > most {
			t.Fatalf("a page has %d MiB", len(runs)*log>>20)
		}
		got, cursor = append(got, idsOf(runs)...), next
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func badCursors(t *testing.T, s collector.Store) {
	put(t, s, t0, []*api.Run{final(1, "web01", t0, api.Changed)})
	for _, cursor := range []string{"x", "!", "e30", "bnVsbA", "W10", "eyJyIjoxLCJpIjoiJyJ9", "Ilx1MDAwMCI"} {
		_, _, err := s.Runs(t.Context(), collector.RunFilter{}, collector.Page{Limit: 1, Cursor: cursor})
		if !errors.Is(err, collector.ErrCursor) {
			t.Errorf("runs behind %q: %v, want %v", cursor, err, collector.ErrCursor)
		}
		_, _, err = s.Nodes(t.Context(), collector.NodeFilter{}, collector.Page{Limit: 1, Cursor: cursor})
		if !errors.Is(err, collector.ErrCursor) {
			t.Errorf("nodes behind %q: %v, want %v", cursor, err, collector.ErrCursor)
		}
		_, _, err = s.AuditLog(t.Context(), collector.Page{Limit: 1, Cursor: cursor})
		if !errors.Is(err, collector.ErrCursor) {
			t.Errorf("audit log behind %q: %v, want %v", cursor, err, collector.ErrCursor)
		}
	}
}

func nothingThere(t *testing.T, s collector.Store) {
	if receipts, err := s.Put(t.Context(), t0, nil); err != nil || len(receipts) != 0 {
		t.Errorf("no run at all: %v, %v", receipts, err)
	}
	_, err := s.Run(t.Context(), id(1))
	_, noID := s.Run(t.Context(), "' OR 1=1 --")
	_, noNode := s.Node(t.Context(), "web01")
	for what, err := range map[string]error{
		"run": err, "no id": noID, "node": noNode,
		"retire": s.Retire(t.Context(), "web01", t0), "revoke": s.RevokeToken(t.Context(), "ops"),
	} {
		if !errors.Is(err, collector.ErrNotFound) {
			t.Errorf("%s: %v, want %v", what, err, collector.ErrNotFound)
		}
	}
	sum, err := s.Summary(t.Context())
	if err != nil || sum.Nodes != 0 {
		t.Errorf("summary %+v, %v", sum, err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func unknownWords(t *testing.T, s collector.Store) {
	run := final(1, "wéb/01 „x“ '; --", t0, "melted")
	run.Reason, run.Trigger, run.Message = "too_hot", "sun", "日本語 🎉 \t\"quoted\" ' \\ %s $1"
	run.Catalog = &api.Catalog{UUID: "not a uuid", Source: "thin_air"}
	run.TransactionUUID = "neither"
	put(t, s, t0, []*api.Run{run}, api.Stored)
	got, err := s.Run(t.Context(), id(1))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(run, &got.Run); diff != "" {
		t.Errorf("it came back otherwise (-want +got):\n%s", diff)
	}
	n := node(t, s, run.Certname)
	if n.Last.Reason != "too_hot" || n.Last.Message != run.Message {
		t.Errorf("got %+v", n.Last)
	}
}
