//go:build linux

package rig

import (
	"math"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
)

// Difference says in what the store's record of a run is not the node's: nothing, when it is the same. The store knows
// microseconds, and of an unchanged run milliseconds of durations and three timings.
func Difference(node, store *api.Run) string {
	tolerance := time.Duration(0)
	if node.Outcome == api.Unchanged || node.Outcome == api.Skipped {
		tolerance = time.Millisecond
	}
	return cmp.Diff(node, store,
		cmp.Comparer(func(a, b time.Time) bool { return a.Sub(b).Abs() <= time.Microsecond }),
		cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= tolerance.Seconds() }),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".TimingsS" }, cmp.Comparer(func(a, b map[string]float64) bool {
			return sameTimings(a, b, tolerance)
		})))
}

// sameTimings reports whether b has all of a, or when durations are rounded at least the ones that the store keeps.
func sameTimings(a, b map[string]float64, tolerance time.Duration) bool {
	for name, s := range a {
		kept, ok := b[name]
		if tolerance > 0 && name != "config_retrieval" && name != "catalog_application" && name != "total" && !ok {
			continue
		}
		if !ok || math.Abs(kept-s) > tolerance.Seconds() {
			return false
		}
	}
	return len(b) <= len(a)
}
