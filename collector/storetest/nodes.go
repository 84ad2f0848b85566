package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/standing"
	"github.com/puppet-cron/puppet-cron/splay"
)

func filtersOfNodes(t *testing.T, s collector.Store) {
	ok := final(1, "a", t0, api.Unchanged)
	ok.Environment, ok.PuppetVersion = "production", "8.1"
	failed := final(2, "b", t0, api.Failed)
	failed.Reason, failed.Environment = api.PostrunFailed, "staging"
	skip := final(3, "b", t0.Add(time.Minute), api.Skipped)
	skip.Reason = api.Disabled
	skip.Disabled = &api.DisableInfo{Reason: "because"}
	onlySkipped := final(4, "c", t0, api.Skipped)
	onlySkipped.Reason = api.Held
	put(t, s, t0.Add(time.Hour), []*api.Run{ok, failed, skip, onlySkipped, begun(5, "B", t0), final(6, "z", t0, api.Failed)})
	if err := s.Retire(t.Context(), "z", t0); err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	for name, tt := range map[string]struct {
		filter collector.NodeFilter
		want   []string
	}{
		"all":                     {collector.NodeFilter{}, []string{"B", "a", "b", "c"}},
		"name":                    {collector.NodeFilter{Certname: "b"}, []string{"b"}},
		"failed, though skipped":  {collector.NodeFilter{Outcome: api.Failed}, []string{"b"}},
		"unchanged":               {collector.NodeFilter{Outcome: api.Unchanged}, []string{"a"}},
		"skipped":                 {collector.NodeFilter{Outcome: api.Skipped}, []string{"b", "c"}},
		"skipped for":             {collector.NodeFilter{Outcome: api.Skipped, Reason: api.Held}, []string{"c"}},
		"failed, not for":         {collector.NodeFilter{Outcome: api.Failed, Reason: api.Disabled}, nil},
		"either's reason: last":   {collector.NodeFilter{Reason: api.Disabled}, []string{"b"}},
		"either's reason: before": {collector.NodeFilter{Reason: api.PostrunFailed}, []string{"b"}},
		"environment":             {collector.NodeFilter{Environment: "staging"}, []string{"b"}},
		"version":                 {collector.NodeFilter{PuppetVersion: "8.1"}, []string{"a"}},
		"disabled":                {collector.NodeFilter{Disabled: &yes}, []string{"b"}},
		"enabled":                 {collector.NodeFilter{Disabled: &no}, []string{"B", "a", "c"}},
		"retired":                 {collector.NodeFilter{Retired: true}, []string{"z"}},
	} {
		for _, limit := range []int{1, 3, 500} {
			got, err := allNodes(t.Context(), s, tt.filter, limit)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s, %d at a time (-want +got):\n%s", name, limit, diff)
			}
		}
	}
}

func slots(t *testing.T, s collector.Store) {
	slot := func(n int, certname string, interval float64) *float64 {
		t.Helper()
		at := t0.Add(time.Duration(n) * time.Minute)
		return put(t, s, at, []*api.Run{every(interval, final(n, certname, at, api.Unchanged))}, api.Stored)[0].Slot
	}
	want := func(got *float64, k int) {
		t.Helper()
		if got == nil || *got != splay.SlotFraction(k) {
			t.Errorf("got %v, want slot %d, which is %v", got, k, splay.SlotFraction(k))
		}
	}
	if got := put(t, s, t0, []*api.Run{final(1, "a", t0, api.Unchanged)}, api.Stored)[0].Slot; got != nil {
		t.Errorf("a node without an interval has slot %v", *got)
	}
	want(slot(2, "a", 1800), 0)
	want(slot(3, "b", 1800), 1)
	want(slot(4, "c", 1800), 2)
	want(slot(5, "a", 1800), 0)
	want(slot(6, "d", 3600), 0) // another interval
	if got := put(t, s, t0.Add(7*time.Minute), []*api.Run{begun(7, "b", t0.Add(7*time.Minute))}, api.Stored)[0].Slot; got == nil {
		t.Error("a start is answered without the node's slot")
	} else {
		want(got, 1)
	}
	byHand := final(12, "c", t0.Add(7*time.Minute), api.Unchanged)
	byHand.Trigger, byHand.Schedule = api.Manual, &api.Announce{TimeoutS: 3900}
	want(put(t, s, t0.Add(7*time.Minute), []*api.Run{byHand}, api.Stored)[0].Slot, 2)
	if n := node(t, s, "c"); n.IntervalS != 1800 || n.TimeoutS != 3900 {
		t.Errorf("after a run by hand: every %g s, timeout %g s", n.IntervalS, n.TimeoutS)
	}
	if err := s.Retire(t.Context(), "a", t0); err != nil {
		t.Fatal(err)
	}
	want(slot(8, "e", 1800), 0) // the smallest that is free
	want(slot(9, "a", 1800), 3) // it is back
	want(slot(10, "e", 3600), 1)
	want(slot(11, "f", 1800), 0)
	want(node(t, s, "e").Slot, 1)
}

func summary(t *testing.T, s collector.Store) {
	lost := final(3, "c", t0, api.Errored)
	lost.Reason, lost.DroppedBefore = api.Certificate, 3
	skip := final(4, "c", t0.Add(time.Minute), api.Skipped)
	skip.Disabled = &api.DisableInfo{By: "x"}
	put(t, s, t0.Add(time.Hour), []*api.Run{
		final(1, "a", t0, api.Unchanged), final(2, "b", t0, api.Unchanged), lost, skip,
		final(5, "d", t0, api.Skipped), begun(6, "e", t0), begun(7, "a", t0.Add(time.Hour)), final(8, "z", t0, api.Failed),
	})
	if err := s.Retire(t.Context(), "z", t0); err != nil {
		t.Fatal(err)
	}
	got, err := s.Summary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := &collector.Summary{
		Nodes: 5, Outcomes: map[api.Outcome]int{api.Unchanged: 2, api.Errored: 1}, Reasons: map[api.Reason]int{api.Certificate: 1},
		Skipped: 2, Disabled: 1, Running: 2, Never: 2, Dropped: 3,
		Presence: map[standing.Presence]int{standing.Unknown: 5}, Troubles: map[standing.Trouble]int{standing.Errored: 1},
		Acknowledged: map[standing.Trouble]int{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func retired(t *testing.T, s collector.Store) {
	put(t, s, t0, []*api.Run{every(60, final(1, "a", t0, api.Failed))}, api.Stored)
	for _, at := range []time.Time{t0.Add(time.Hour), t0.Add(2 * time.Hour)} {
		if err := s.Retire(t.Context(), "a", at); err != nil {
			t.Fatal(err)
		}
	}
	n := node(t, s, "a")
	if n.Retired == nil || !n.Retired.Equal(t0.Add(time.Hour)) || n.Slot != nil {
		t.Errorf("got %+v, want it retired once and without a slot", n)
	}
	runs, err := allRuns(t.Context(), s, collector.RunFilter{Certname: "a"}, 10)
	if err != nil || len(runs) != 1 {
		t.Errorf("%d runs, %v; they stay", len(runs), err)
	}
	put(t, s, t0.Add(3*time.Hour), []*api.Run{begun(2, "a", t0)}, api.Stored)
	if n := node(t, s, "a"); n.Retired != nil || n.Slot == nil {
		t.Errorf("got %+v, want it back with a slot", n)
	}
}

func manyAtOnce(t *testing.T, s collector.Store) {
	const writers, each = 8, 25
	errs := make(chan error, writers)
	for w := range writers {
		go func() { errs <- writeMany(t.Context(), s, w, each) }()
	}
	for range writers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	runs, err := allRuns(t.Context(), s, collector.RunFilter{}, 17)
	if err != nil {
		t.Fatal(err)
	}
	ids := idsOf(runs)
	slices.Sort(ids)
	if len(slices.Compact(ids)) != writers*each || len(runs) != writers*each {
		t.Errorf("%d runs are listed, want %d", len(runs), writers*each)
	}
	taken := map[float64]bool{}
	for k := range 5 {
		taken[splay.SlotFraction(k)] = true
	}
	for _, name := range []string{"n0", "n1", "n2", "n3", "n4"} {
		slot := node(t, s, name).Slot
		if slot == nil || !taken[*slot] {
			t.Fatalf("%s has slot %v, want one of the first five, and nobody else's", name, slot)
		}
		delete(taken, *slot)
	}
}
