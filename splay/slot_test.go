package splay_test

import (
	"math"
	"slices"
	"testing"

	"github.com/puppet-cron/puppet-cron/splay"
)

// A slot is what the golden ratio says, and a fraction whatever its number is.
func TestSlotFraction(t *testing.T) {
	for _, k := range []int{0, 1, 2, 3, 100, 99_999, 1_000_000} {
		_, want := math.Modf(float64(k) * (math.Sqrt(5) - 1) / 2)
		if got := splay.SlotFraction(k); math.Abs(got-want) > 1e-9 {
			t.Errorf("slot %d: got %v, want %v", k, got, want)
		}
	}
	for _, k := range []int{-1, math.MaxInt, math.MinInt} {
		if got := splay.SlotFraction(k); !splay.Valid(got) {
			t.Errorf("slot %d: %v is no fraction", k, got)
		}
	}
}

// What slots map to is a promise as well: an upgraded collector must not move a fleet.
func TestSlotFractionIsForEver(t *testing.T) {
	for k, want := range map[int]float64{0: 0, 1: 0.6180339887498948, 2: 0.2360679774997897, 12345: 0.6295911174519004} {
		if got := splay.SlotFraction(k); got != want {
			t.Errorf("slot %d: got %v, want %v", k, got, want)
		}
	}
}

// No two of the first n slots are closer than a third of what even spacing would give.
func TestSlotsKeepTheirDistance(t *testing.T) {
	for _, n := range []int{2, 10, 100, 1000, 10_000, 100_000} {
		var all []float64
		for k := range n {
			all = append(all, splay.SlotFraction(k))
		}
		slices.Sort(all)
		closest := 1 + all[0] - all[n-1] // the day goes round
		for i := 1; i < n; i++ {
			closest = min(closest, all[i]-all[i-1])
		}
		if closest*float64(n) < 1.0/3 {
			t.Errorf("%d slots: two are %.2f of the mean distance apart", n, closest*float64(n))
		}
	}
}
