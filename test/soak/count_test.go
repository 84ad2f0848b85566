//go:build soak

package soak

import (
	"slices"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/test/rig"
)

// tally is where the runs are.
type tally struct {
	recorded, stored, spooled, dropped int
	told                               int // of dropped ones, by runs in the store
}

// count holds what the nodes recorded against what is in the store.
func (f *fleet) count(store *rig.Client) {
	f.t.Helper()
	var sum tally
	for _, m := range f.nodes {
		one := f.countNode(m, store)
		sum.recorded += one.recorded
		sum.stored += one.stored
		sum.spooled += one.spooled
		sum.dropped += one.dropped
		sum.told += one.told
	}
	f.t.Logf("recorded %d = stored %d + spooled %d + dropped %d; told of as dropped: %d", sum.recorded, sum.stored, sum.spooled, sum.dropped, sum.told)
	if sum.stored < sum.recorded/2 {
		f.t.Errorf("most runs were dropped: the test shows little")
	}
}

func (f *fleet) countNode(m *member, store *rig.Client) (n tally) {
	f.t.Helper()
	ids, err := m.state.IDs()
	if err != nil {
		f.t.Fatal(err)
	}
	stored := store.Runs(m.name)
	in := map[string]*api.Run{}
	for _, s := range stored {
		if in[s.ID] != nil {
			f.t.Errorf("%s: run %s is in the store twice", m.name, s.ID)
		}
		if !slices.Contains(ids, s.ID) {
			f.t.Errorf("%s: run %s is in the store, and the node does not know it", m.name, s.ID)
		}
		in[s.ID] = &s.Run
		n.told += s.DroppedBefore
	}
	n.recorded, n.stored = len(ids), len(in)
	spooled, err := m.state.Spooled()
	if err != nil {
		f.t.Fatal(err)
	}
	n.spooled = spooled.Waiting
	if spooled.Rejected > 0 {
		f.t.Errorf("%s: %d outcomes were refused for good", m.name, spooled.Rejected)
	}
	// One that was stored, whose answer was lost, and that was dropped then is counted as well, and what it told of is
	// told once more: the node cannot know. Never is less counted, or told, than was lost.
	n.dropped = n.recorded - n.stored - n.spooled
	if n.dropped > spooled.Dropped || spooled.Dropped > n.told || (!m.few && n.told > 0) {
		f.t.Errorf("%s: of %d runs %d are in the store and %d in the spool: %d are lost, %d told of; the node says that it dropped %d",
			m.name, n.recorded, n.stored, n.spooled, n.dropped, n.told, spooled.Dropped)
	}
	f.compare(m, ids, in)
	return n
}

// compare holds each run that is in the store against the node's record.
func (f *fleet) compare(m *member, ids []string, in map[string]*api.Run) {
	f.t.Helper()
	for _, id := range ids {
		mine, err := m.state.Run(id)
		if err != nil {
			f.t.Errorf("%s: run %s has no record: %v", m.name, id, err)
			continue
		}
		if theirs := in[id]; theirs != nil {
			if diff := rig.Difference(mine, theirs); diff != "" {
				f.t.Errorf("%s: run %s is not in the store as the node has it:\n%s", m.name, id, diff)
			}
		}
	}
}
