package standing

import "slices"

// Trouble is what people are told of.
type Trouble string

// The troubles.
const (
	Failing Trouble = "failing"     // runs in a row that failed, timed out or were interrupted
	Stale   Trouble = "stale"       // an old catalog was applied
	Errored Trouble = "errored"     // no catalog was applied
	Gone    Trouble = "silent"      // nothing is heard of the node
	Stuck   Trouble = "stuck"       // a run has begun and not ended within the node's own timeout
	Ending  Trouble = "certificate" // the node's certificate ends soon, or has ended
)

// All lists every trouble, in the order of their bits.
func All() []Trouble { return []Trouble{Failing, Stale, Errored, Gone, Stuck, Ending} }

// Known reports whether there is such a trouble.
func (t Trouble) Known() bool { return slices.Contains(All(), t) }

// Health reports whether t is of the last runs. A node has one such trouble at most.
func (t Trouble) Health() bool { return t == Failing || t == Stale || t == Errored }

// Troubles is a set of them. The numbers are kept in databases: new ones go behind.
type Troubles uint8

// Add puts one into the set.
func (s *Troubles) Add(t Trouble) {
	if i := slices.Index(All(), t); i >= 0 {
		*s |= 1 << i
	}
}

// Has reports whether one is in the set.
func (s Troubles) Has(t Trouble) bool {
	i := slices.Index(All(), t)
	return i >= 0 && s&(1<<i) != 0
}

// List gives them in the order of All.
func (s Troubles) List() (list []Trouble) {
	for _, t := range All() {
		if s.Has(t) {
			list = append(list, t)
		}
	}
	return list
}
