//go:build lab

package central

import (
	"math"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/splay"
	"github.com/puppet-cron/puppet-cron/state"
	"github.com/puppet-cron/puppet-cron/test/rig"
)

// TestSlots: nodes whose splay goes by slots each get one of their own from the collector, and move to it.
func TestSlots(t *testing.T) {
	t.Parallel()
	c := newCentre(t, onPostgres(t), 2)
	given := map[float64]bool{}
	for range 2 {
		n := c.newNode("schedule: {every: 30m, catch_up: 1s, splay: {mode: slot}}")
		n.serve()
		var kept *state.Schedule
		rig.Eventually(t, "the node's move to its slot", func() bool {
			kept, _ = n.state.Schedule()
			return kept != nil && kept.OffsetFrom == splay.FromSlot
		})
		var known collector.Node
		c.operator.Get("/v1/nodes/"+n.Certname, &known)
		if known.Slot == nil || known.IntervalS != 1800 || given[*known.Slot] {
			t.Fatalf("the collector gave %+v; others have %v", known, given)
		}
		given[*known.Slot] = true
		if want := *known.Slot * known.IntervalS; kept.OffsetS == nil || math.Abs(*kept.OffsetS-want) > 0.001 {
			t.Errorf("the node is %v s into its interval; its slot %v is at %v", kept.OffsetS, *known.Slot, want)
		}
		rig.Eventually(t, "a slot that is due next", func() bool {
			kept, _ = n.state.Schedule()
			if kept == nil || kept.NextDue == nil {
				return false
			}
			into := math.Mod(float64(kept.NextDue.UnixNano())/float64(time.Second), known.IntervalS)
			return math.Abs(into-*kept.OffsetS) < 0.01
		})
	}
}
