package crl

import (
	"maps"
	"time"
)

// Merge is the lists of both; of two lists of one authority the newer counts, of two that
// are as new the one in l. Both may be nil.
func (l *Lists) Merge(other *Lists) *Lists {
	merged := &Lists{byIssuer: make(map[string]*list)}
	if l != nil {
		maps.Copy(merged.byIssuer, l.byIssuer)
	}
	if other == nil {
		return merged
	}
	for issuer, n := range other.byIssuer {
		if old := merged.byIssuer[issuer]; old == nil || n.newer(old) {
			merged.byIssuer[issuer] = n
		}
	}
	return merged
}

// ThisUpdate is when the oldest of the lists was made; zero without any.
func (l *Lists) ThisUpdate() time.Time {
	var first time.Time
	for _, n := range l.byIssuer {
		if first.IsZero() || n.thisUpdate.Before(first) {
			first = n.thisUpdate
		}
	}
	return first
}

// Size is of how many authorities there are lists.
func (l *Lists) Size() int { return len(l.byIssuer) }

// NewerThan reports whether l has a list that old has not, or an older one of.
func (l *Lists) NewerThan(old *Lists) bool {
	for issuer, n := range l.byIssuer {
		if old == nil || old.byIssuer[issuer] == nil || n.newer(old.byIssuer[issuer]) {
			return true
		}
	}
	return false
}
