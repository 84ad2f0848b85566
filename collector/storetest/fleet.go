package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

func failing(resource, message string) api.Failure {
	return api.Failure{Resource: resource, File: "/etc/puppetlabs/code/site.pp", Line: 12, Message: message}
}

// A resource fails on the nodes in whose last run it did, and on no other.
func failingResources(t *testing.T, s collector.Store) {
	put1 := func(n int, certname string, outcome api.Outcome, failures ...api.Failure) {
		run := final(n, certname, t0.Add(time.Duration(n)*time.Minute), outcome)
		run.Failures = failures
		put(t, s, t0.Add(time.Hour), []*api.Run{run}, api.Stored)
	}
	long := "Exec[" + strings.Repeat("é", 600) + "]"
	put1(1, "a", api.Failed, failing("File[/x]", "no"), failing("File[/x]", "again"), failing("Package[p]", "none"), api.Failure{Message: "no resource"})
	put1(2, "b", api.Failed, failing("File[/x]", "no"), failing(long, "long"))
	put1(3, "c", api.Failed, failing("Package[p]", "none"))
	put1(4, "d", api.Failed, failing("File[/x]", "no"))
	put1(5, "d", api.Skipped)
	put1(6, "c", api.Unchanged)
	put1(7, "e", api.Failed, failing("File[/x]", "no"))
	if err := s.Retire(t.Context(), "e", t0); err != nil {
		t.Fatal(err)
	}
	got, err := s.FailingResources(t.Context(), 2)
	if diff := cmp.Diff([]collector.FailingResource{{Resource: "File[/x]", Nodes: 3}, {Resource: "Exec[" + strings.Repeat("é", 252) + "…", Nodes: 1}}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	var names []string
	for cursor := ""; ; {
		nodes, next, err := s.FailingNodes(t.Context(), "File[/x]", collector.Page{Limit: 2, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range nodes {
			names = append(names, n.Certname+" "+n.Message+" "+n.RunID)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"a no " + id(1), "b no " + id(2), "d no " + id(4)}, names); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if nodes, _, err := s.FailingNodes(t.Context(), long, collector.Page{Limit: 2}); err != nil || len(nodes) != 1 {
		t.Errorf("a long title finds %v, %v", nodes, err)
	}
}

// Minutes are of the time of receipt; how long runs took is counted of those that ran.
func activity(t *testing.T, s collector.Store) {
	took := func(n int, outcome api.Outcome, wall float64) *api.Run {
		run := final(n, "a", t0, outcome)
		if wall > 0 {
			run.Usage = &api.Usage{WallS: wall}
		}
		return run
	}
	put(t, s, t0, []*api.Run{took(1, api.Unchanged, 5), took(2, api.Changed, 5.001), took(3, api.Skipped, 0.1)})
	put(t, s, t0.Add(59*time.Second), []*api.Run{took(4, api.Failed, 7200), took(5, api.Errored, 0)})
	put(t, s, t0.Add(2*time.Minute), []*api.Run{took(6, api.Unchanged, 20)})
	put(t, s, t0.Add(3*time.Minute), []*api.Run{took(7, api.Unchanged, 20)})
	got, err := s.Activity(t.Context(), t0, t0.Add(3*time.Minute))
	first := collector.Minute{At: t0, Outcomes: map[api.Outcome]int{api.Unchanged: 1, api.Changed: 1, api.Skipped: 1, api.Failed: 1, api.Errored: 1}}
	first.Took[0], first.Took[1], first.Took[len(first.Took)-1] = 1, 1, 1
	second := collector.Minute{At: t0.Add(2 * time.Minute), Outcomes: map[api.Outcome]int{api.Unchanged: 1}}
	second.Took[3] = 1
	if diff := cmp.Diff([]collector.Minute{first, second}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// Whoever looks after a trouble does so until it is over.
func acknowledgements(t *testing.T, s collector.Store) {
	bad := final(1, "a", t0, api.Errored)
	bad.Reason = api.CompileFailed
	put(t, s, t0, []*api.Run{bad, final(2, "b", t0, api.Unchanged)})
	a := collector.Acknowledgement{By: "token ops", At: t0.Add(time.Minute), Comment: "PR 12"}
	for _, tt := range []struct {
		certname string
		kind     standing.Trouble
		want     error
	}{
		{"a", standing.Gone, collector.ErrNotFound},
		{"b", "", collector.ErrNotFound},
		{"nobody", "", collector.ErrNotFound},
		{"a", "", nil},
		{"a", standing.Errored, nil},
	} {
		if err := s.Acknowledge(t.Context(), tt.certname, tt.kind, a); !errors.Is(err, tt.want) {
			t.Errorf("%s, %q: %v, want %v", tt.certname, tt.kind, err, tt.want)
		}
	}
	want := []collector.TroubleOfNode{{Kind: standing.Errored, Since: t0, Reason: api.CompileFailed, Acknowledged: &a}}
	if diff := cmp.Diff(want, node(t, s, "a").Troubles); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	count := func() int {
		sum, err := s.Summary(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return sum.Acknowledged[standing.Errored]
	}
	if count() != 1 {
		t.Errorf("%d are acknowledged", count())
	}
	put(t, s, t0.Add(time.Hour), []*api.Run{final(3, "a", t0.Add(time.Hour), api.Unchanged)})
	put(t, s, t0.Add(2*time.Hour), []*api.Run{final(4, "a", t0.Add(2*time.Hour), api.Errored)})
	if got := node(t, s, "a").Troubles; len(got) != 1 || got[0].Acknowledged != nil || count() != 0 {
		t.Errorf("the next trouble is %+v, %d acknowledged", got, count())
	}
}
