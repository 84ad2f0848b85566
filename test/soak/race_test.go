//go:build soak

package soak

import (
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
)

// Two runners and somebody's plain Puppet start at the same instant: never two
// Puppets at once, one record for each of ours, and none that errored because
// another was first.
func TestRaceForTheLocks(t *testing.T) {
	n := newNode(t)
	rounds := times(500)
	seen := map[string]int{}
	for range rounds {
		runs, plain := n.race(t)
		for _, r := range runs {
			seen[string(r.Outcome)+"/"+string(r.Reason)]++
			if ok := r.Outcome == api.Unchanged || (r.Outcome == api.Skipped && r.Reason == api.Locked); !ok {
				t.Fatalf("%s/%s: %s\n%v", r.Outcome, r.Reason, r.Message, r.Failures)
			}
			if _, err := n.state.Run(r.ID); err != nil {
				t.Fatal(err)
			}
		}
		seen["plain exit "+plain]++
	}
	n.events(t)
	ids, err := n.state.IDs()
	if err != nil {
		t.Fatal(err)
	}
	if want := min(2*rounds, 500); len(ids) != want { // the history keeps 500
		t.Errorf("%d runs are kept; want %d", len(ids), want)
	}
	t.Logf("%d rounds: %v", rounds, seen)
}

func (n *testNode) race(t *testing.T) (runs []*api.Run, plainExit string) {
	t.Helper()
	runs = make([]*api.Run, 2)
	errs := make([]error, 2)
	plain := exec.Command(n.fake.Binary(), "agent", "--test")
	plain.Env = append(os.Environ(), n.fake.Env("unchanged", 5, 60)...)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range runs {
		cmd := n.command("unchanged", 5, 60, "--json")
		all.Go(func() { <-start; runs[i], errs[i] = record(cmd) })
	}
	all.Go(func() { <-start; plain.Run() })
	close(start)
	all.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return runs, plain.ProcessState.String()
}
