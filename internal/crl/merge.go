package crl

import (
	"maps"
	"time"
)

// Merge is the lists of both; of two lists of one authority the newer counts, of two that
// are as new the one in l. Both may be nil.
func (l *Lists) Merge(other *Lists) *Lists {
	merged := &Lists{by: make(map[signer]*list)}
	if l != nil {
		maps.Copy(merged.by, l.by)
	}
	if other == nil {
		return merged
	}
	for who, n := range other.by {
		if old := merged.by[who]; old == nil || n.newer(old) {
			merged.by[who] = n
		}
	}
	return merged
}

// ThisUpdate is when the oldest of the lists was made; zero without any.
func (l *Lists) ThisUpdate() time.Time {
	var first time.Time
	for _, n := range l.by {
		if first.IsZero() || n.thisUpdate.Before(first) {
			first = n.thisUpdate
		}
	}
	return first
}

// Size is of how many authorities there are lists.
func (l *Lists) Size() int { return len(l.by) }

// NewerThan reports whether l has a list that old has not, or an older one of.
func (l *Lists) NewerThan(old *Lists) bool {
	for who, n := range l.by {
		if old == nil || old.by[who] == nil || n.newer(old.by[who]) {
			return true
		}
	}
	return false
}
