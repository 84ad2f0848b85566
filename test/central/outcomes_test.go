//go:build lab

package central

import (
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/test/rig"
)

// TestOutcomesArrive: each outcome of a real run is in the store once, as the node has it, and the node's state says so:
// with a service that reports, and without one.
func TestOutcomesArrive(t *testing.T) {
	t.Parallel()
	c := newCentre(t, onPostgres(t), 2)
	for served, scenarios := range map[bool][]string{true: {"changed", "unchanged"}, false: {"failed", "compile_error"}} {
		n := c.newNode(noSchedule)
		if served {
			n.serve()
		}
		var runs []*api.Run
		for _, scenario := range scenarios {
			run := n.run(scenario)
			runs = append(runs, run)
			stored := c.operator.AwaitRun(run.ID)
			if diff := rig.Difference(run, &stored.Run); diff != "" {
				t.Errorf("%s: the store's record is not the node's:\n%s", scenario, diff)
			}
		}
		if got := c.operator.Runs(n.Certname); len(got) != len(runs) {
			t.Errorf("%d runs are listed; want %d", len(got), len(runs))
		}
		var known collector.Node
		c.operator.Get("/v1/nodes/"+n.Certname, &known)
		if last := runs[len(runs)-1]; known.Last == nil || known.Last.ID != last.ID || known.LastExecuted.Outcome != last.Outcome ||
			known.Running != nil || known.Environment != last.Environment || known.PuppetVersion != last.PuppetVersion {
			t.Errorf("the node is known as %+v", known)
		}
	}
}

// TestKilledCollector: a collector that is killed behind the balancer takes no outcome with it.
func TestKilledCollector(t *testing.T) {
	t.Parallel()
	c := newCentre(t, onPostgres(t), 2)
	n := c.newNode(noSchedule)
	n.serve()
	var ids []string
	for i := range 2 {
		c.collectors[i%2].Kill()
		ids = append(ids, n.run("unchanged").ID)
		c.collectors[(i+1)%2].Kill() // now there is none
		c.collectors[i%2].Start()
		c.collectors[(i+1)%2].Start()
	}
	for _, id := range ids {
		c.operator.AwaitRun(id)
	}
	if got := c.operator.Runs(n.Certname); len(got) != len(ids) {
		t.Errorf("%d runs are listed; want %d", len(got), len(ids))
	}
	rig.Eventually(t, "an empty spool", func() bool { return n.waiting() == 0 })
}
