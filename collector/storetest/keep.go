package storetest

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

func prune(t *testing.T, s collector.Store) {
	const day = 24 * time.Hour
	keep := collector.Retention{Unchanged: 14 * day, Changed: 30 * day, Failed: 90 * day}
	n := 0
	for age := range 100 {
		var runs []*api.Run
		for _, o := range []api.Outcome{api.Unchanged, api.Skipped, api.Changed, api.Failed, api.Errored, "melted"} {
			n++
			runs = append(runs, final(n, "a", t0, o))
		}
		put(t, s, t0.Add(-time.Duration(age)*day), runs)
	}
	removed := 0
	for more, calls := true, 0; more; calls++ {
		k, m, err := s.Prune(t.Context(), keep, t0, 7)
		if err != nil || k > 7 || calls > 1000 {
			t.Fatalf("%d are removed after %d calls, %v; want 7 at most each time, and an end", k, calls, err)
		}
		removed, more = removed+k, m
	}
	got := map[api.Outcome]int{}
	runs, err := allRuns(t.Context(), s, collector.RunFilter{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runs {
		got[r.Outcome]++
	}
	want := map[api.Outcome]int{api.Unchanged: 15, api.Skipped: 15, api.Changed: 31, api.Failed: 91, api.Errored: 91, "melted": 91}
	if diff := cmp.Diff(want, got); diff != "" || removed != n-len(runs) {
		t.Errorf("%d of %d removed (-want +got):\n%s", removed, n, diff)
	}
	if node(t, s, "a").Last == nil {
		t.Error("the node's state went with its runs")
	}
}

func tokens(t *testing.T, s collector.Store) {
	hash, other := sha256.Sum256([]byte("a")), sha256.Sum256([]byte("b"))
	expires := t0.Add(time.Hour)
	want := []collector.Token{{Name: "nagios", Role: collector.Viewer, Created: t0}, {Name: "ops", Role: collector.Admin, Created: t0, Expires: &expires}}
	for i, h := range [][32]byte{other, hash} {
		if err := s.AddToken(t.Context(), want[i], h); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AddToken(t.Context(), collector.Token{Name: "ops", Role: collector.Viewer, Created: t0}, sha256.Sum256([]byte("c"))); err == nil {
		t.Error("a second token of one name was added")
	}
	got, err := s.Tokens(t.Context())
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	one, err := s.TokenByHash(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want[1], one); diff != "" {
		t.Errorf("by its hash (-want +got):\n%s", diff)
	}
	if err := s.RevokeToken(t.Context(), "ops"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.TokenByHash(t.Context(), hash); !errors.Is(err, collector.ErrNotFound) {
		t.Errorf("a revoked token: %v, want %v", err, collector.ErrNotFound)
	}
}

func audit(t *testing.T, s collector.Store) {
	var want []collector.AuditEntry
	for i := range 25 {
		e := collector.AuditEntry{
			At: t0.Add(time.Duration(i) * time.Second), Actor: "certificate web01", Remote: "127.0.0.1",
			Action: "run.put", Target: id(i), Result: "refused", Detail: "für web02",
		}
		if err := s.Audit(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		want = append([]collector.AuditEntry{e}, want...)
	}
	for _, limit := range []int{1, 10, 25, 500} {
		var got []collector.AuditEntry
		for cursor, more := "", true; more; more = cursor != "" {
			entries, next, err := s.AuditLog(t.Context(), collector.Page{Limit: limit, Cursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			got, cursor = append(got, entries...), next
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d at a time (-want +got):\n%s", limit, diff)
		}
	}
	now := t0.AddDate(1, 0, 1)
	if _, _, err := s.Prune(t.Context(), collector.Retention{}, now, 10); err != nil {
		t.Fatal(err)
	}
	entries, _, err := s.AuditLog(t.Context(), collector.Page{Limit: 500})
	if err != nil || len(entries) != 15 {
		t.Errorf("%d entries are left, %v; want 15, for an old one goes after a year", len(entries), err)
	}
}

func comesBack(t *testing.T, s collector.Store) {
	run := final(1, "a", t0, api.Changed)
	run.Warnings, run.Log = []string{"w"}, "log"
	put(t, s, t0, []*api.Run{run}, api.Stored)
	got, err := s.Run(t.Context(), id(1))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(run, &got.Run); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
