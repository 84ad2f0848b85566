package splay_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/splay"
)

// What a certname maps to is a promise: an upgrade must not move a fleet.
func TestFractionIsForEver(t *testing.T) {
	for name, want := range map[string]time.Duration{
		"":                   1600948790804,
		"web01.example.com":  1078109340628,
		"node00.example.com": 755571036457,
	} {
		if got := splay.Offset(splay.Fraction(name), 30*time.Minute); got != want {
			t.Errorf("%q: got %d, want %d", name, got, want)
		}
	}
}

// The names of a fleet differ in little, their fractions in everything: the share
// of each hundredth is what chance would give.
func TestFractionIsEven(t *testing.T) {
	const nodes, parts = 100_000, 100
	var count [parts]int
	for i := range nodes {
		count[int(parts*splay.Fraction(fmt.Sprintf("web%06d.example.com", i)))]++
	}
	chi := 0.0
	for _, n := range count {
		const want = nodes / parts
		chi += float64((n-want)*(n-want)) / want
	}
	if limit := 134.6; chi > limit { // of 99 degrees of freedom, at 1 %
		t.Errorf("chi square is %.1f, more than %.1f", chi, limit)
	}
}

func TestOffset(t *testing.T) {
	for _, tt := range []struct {
		fraction float64
		window   time.Duration
		want     time.Duration
	}{
		{0, time.Hour, 0},
		{0.5, time.Hour, 30 * time.Minute},
		{0.25, 1, 0},
		{0.25, 0, 0},
		{0.25, -time.Hour, 0},
		{math.NaN(), time.Hour, 0},
		{1, time.Hour, 0},
		{math.Nextafter(1, 0), math.MaxInt64, math.MaxInt64 - 1023},
	} {
		if got := splay.Offset(tt.fraction, tt.window); got != tt.want {
			t.Errorf("Offset(%v, %v) = %v, want %v", tt.fraction, tt.window, got, tt.want)
		}
	}
}

func TestOffsetIsWithinTheWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		window := time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, "window"))
		fraction := splay.Fraction(rapid.String().Draw(t, "certname"))
		if got := splay.Offset(fraction, window); got < 0 || got >= window || !splay.Valid(fraction) {
			t.Fatalf("%v of %v is %v", fraction, window, got)
		}
	})
}

func TestShare(t *testing.T) {
	slot, nan, one := 0.618, math.NaN(), 1.0
	hash := splay.Share{Fraction: splay.Fraction("n"), Source: splay.FromHash}
	for _, tt := range []struct {
		name string
		mode splay.Mode
		id   splay.Identity
		want splay.Share
	}{
		{"hash", splay.Hash, splay.Identity{Certname: "n", Slot: &slot}, hash},
		{"none", splay.None, splay.Identity{Certname: "n"}, hash},
		{"slot", splay.Slot, splay.Identity{Certname: "n", Slot: &slot}, splay.Share{Fraction: slot, Source: splay.FromSlot}},
		{"no slot yet", splay.Slot, splay.Identity{Certname: "n"}, hash},
		{"not a number", splay.Slot, splay.Identity{Certname: "n", Slot: &nan}, hash},
		{"too much", splay.Slot, splay.Identity{Certname: "n", Slot: &one}, hash},
		{"no certname yet", splay.Hash, splay.Identity{StandIn: "n"}, splay.Share{Fraction: hash.Fraction, Source: splay.FromStandIn}},
	} {
		if got := tt.id.Share(tt.mode); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
