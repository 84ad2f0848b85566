package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// t0 is when the tests begin.
var t0 = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// id makes the n-th id.
func id(n int) string { return fmt.Sprintf("0197f3a0-0000-7000-8000-%012x", n) }

// final is a run of a node that ended at a time with an outcome.
func final(n int, certname string, ended time.Time, outcome api.Outcome) *api.Run {
	started := ended.Add(-10 * time.Second)
	return &api.Run{
		Schema: api.SchemaVersion, ID: id(n), Certname: certname, Trigger: api.Schedule,
		Started: &started, Ended: &ended, Outcome: outcome,
	}
}

// begun is the start of a run.
func begun(n int, certname string, started time.Time) *api.Run {
	return &api.Run{Schema: api.SchemaVersion, ID: id(n), Certname: certname, Trigger: api.Schedule, Started: &started}
}

// every gives a run a schedule.
func every(seconds float64, run *api.Run) *api.Run {
	run.Schedule = &api.Announce{IntervalS: seconds}
	return run
}

// put stores runs and wants these statuses.
func put(t *testing.T, s collector.Store, received time.Time, runs []*api.Run, want ...api.Status) []collector.Receipt {
	t.Helper()
	receipts, err := s.Put(t.Context(), received, runs)
	if err != nil {
		t.Fatal(err)
	}
	if len(receipts) != len(runs) {
		t.Fatalf("%d receipts for %d runs", len(receipts), len(runs))
	}
	for i, w := range want {
		if receipts[i].Status != w {
			t.Errorf("run %d of %d: %q (%s), want %q", i, len(runs), receipts[i].Status, receipts[i].Error, w)
		}
		if (receipts[i].Error == "") == (receipts[i].Status == api.Rejected) {
			t.Errorf("run %d: %q with the error %q", i, receipts[i].Status, receipts[i].Error)
		}
	}
	return receipts
}

func node(t *testing.T, s collector.Store, certname string) *collector.Node {
	t.Helper()
	n, err := s.Node(t.Context(), certname)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// allRuns follows the cursors to the end.
func allRuns(ctx context.Context, s collector.Store, f collector.RunFilter, limit int) (all []*collector.Stored, err error) {
	for cursor := ""; ; {
		runs, next, err := s.Runs(ctx, f, collector.Page{Limit: limit, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		if len(runs) > limit {
			return nil, fmt.Errorf("a page of %d has %d runs", limit, len(runs))
		}
		all = append(all, runs...)
		if next == "" {
			return all, nil
		}
		cursor = next
	}
}

func idsOf(runs []*collector.Stored) []string {
	ids := make([]string, len(runs))
	for i, r := range runs {
		ids[i] = r.ID
	}
	return ids
}

// allNodes follows the cursors to the end.
func allNodes(ctx context.Context, s collector.Store, f collector.NodeFilter, limit int) (names []string, err error) {
	for cursor := ""; ; {
		nodes, next, err := s.Nodes(ctx, f, collector.Page{Limit: limit, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		for _, n := range nodes {
			names = append(names, n.Certname)
		}
		if next == "" {
			return names, nil
		}
		cursor = next
	}
}

// writeMany is one of several writers. All of them put some of the same runs.
func writeMany(ctx context.Context, s collector.Store, writer, each int) error {
	for i := range each {
		own := writer*each + i
		runs := []*api.Run{
			every(1800, final(own, fmt.Sprintf("n%d", own%5), t0, api.Changed)),
			every(1800, final(i, fmt.Sprintf("n%d", i%5), t0, api.Changed)),
		}
		receipts, err := s.Put(ctx, t0.Add(time.Duration(i)*time.Second), runs)
		if err != nil {
			return err
		}
		for k, r := range receipts {
			if !r.Status.Taken() {
				return fmt.Errorf("writer %d, run %s: %q, %s", writer, runs[k].ID, r.Status, r.Error)
			}
		}
	}
	return nil
}
