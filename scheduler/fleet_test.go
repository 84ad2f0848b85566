package scheduler_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

const (
	fleetEvery = 30 * time.Minute
	tick       = 100 * time.Millisecond // to which the simulation looks
)

// draws is how many fleets of ideal luck the real one is held against.
const draws = 1000

// TestFleet prints, for fleets whose runs take 30 s, the most runs at one time over
// their mean. `SOAK=full` adds the largest fleet.
func TestFleet(t *testing.T) {
	sizes := []int{100, 1000, 2000, 5000, 10_000}
	if full() {
		sizes = append(sizes, 100_000)
	}
	t.Log("peak / mean of runs at one time")
	t.Logf("%7s %10s %10s %13s %13s %12s %6s %6s", "nodes", "cron */30", "fqdn_rand", "and 60 s", "random: median", "99th of 100", "hash", "slot")
	for _, n := range sizes {
		rng := rand.New(rand.NewPCG(1, uint64(n)))
		cronStarts := starts(n, func(int) time.Duration { return 0 })
		minutes := starts(n, fqdnRand)
		spread := starts(n, func(i int) time.Duration { return fqdnRand(i) + upTo(rng, time.Minute) })
		hash := peak(starts(n, offset(t, func(i int) splay.Share { return splay.Identity{Certname: certname(i)}.Share(splay.Hash) })), fleetEvery, 30*time.Second)
		slot := peak(starts(n, offset(t, goldenSlot)), fleetEvery, 30*time.Second)
		luck := make([]float64, draws)
		for i := range luck {
			luck[i] = peak(starts(n, func(int) time.Duration { return upTo(rng, fleetEvery) }), fleetEvery, 30*time.Second)
		}
		slices.Sort(luck)
		bound := luck[draws*99/100]
		t.Logf("%7d %10.2f %10.2f %13.2f %13.2f %12.2f %6.2f %6.3f", n,
			peak(cronStarts, fleetEvery, 30*time.Second), peak(minutes, fleetEvery, 30*time.Second), peak(spread, fleetEvery, 30*time.Second),
			luck[draws/2], bound, hash, slot)
		if hash > bound {
			t.Errorf("%d nodes: hash has %.3f, more than chance: %.3f", n, hash, bound)
		}
		if most, asked := slotBound(n); asked && slot > most {
			t.Errorf("%d nodes: slots have %.3f, more than %.2f", n, slot, most)
		}
	}
}

func slotBound(n int) (most float64, asked bool) {
	switch {
	case n >= 10_000:
		return 1.02, true
	case n >= 2000:
		return 1.08, true
	}
	return 0, false
}

func certname(i int) string { return fmt.Sprintf("node%06d.example.com", i) }

// goldenSlot is what the collector hands out: each slot is as far from all others as
// can be, whatever their number.
func goldenSlot(i int) splay.Share {
	f := splay.SlotFraction(i)
	return splay.Identity{Certname: certname(i), Slot: &f}.Share(splay.Slot)
}

// fqdnRand is a stable minute, as Puppet's function of that name gives.
func fqdnRand(i int) time.Duration {
	return splay.Offset(splay.Fraction("fqdn_rand "+certname(i)), fleetEvery).Truncate(time.Minute)
}

func upTo(rng *rand.Rand, d time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(d))) }

// offset asks the real scheduler when a node is due.
func offset(t testing.TB, share func(i int) splay.Share) func(i int) time.Duration {
	return func(i int) time.Duration {
		s := spec(t, scheduler.Rule{Every: fleetEvery, Share: share(i)})
		begin := time.Date(2026, 11, 23, 4, 0, 0, -1, time.UTC)
		return s.Next(begin).Sub(begin.Add(1))
	}
}

// starts counts the starts of each tick of one round.
func starts(n int, at func(i int) time.Duration) []int {
	count := make([]int, fleetEvery/tick)
	for i := range n {
		count[at(i)%fleetEvery/tick]++
	}
	return count
}

// peak is the most that begins within a length of time, over the mean, when all
// begins again each round.
func peak(count []int, round, length time.Duration) float64 {
	wide := int(length / tick)
	sum, total := 0, 0
	for _, n := range count[len(count)-wide:] {
		sum += n
	}
	most := sum
	for i, n := range count {
		total += n
		sum += n - count[(i-wide+len(count))%len(count)]
		most = max(most, sum)
	}
	return float64(most) / (float64(total) * float64(length) / float64(round))
}

// TestFleetComesBack lets 1,000 nodes return in the same second, after two hours
// without power, at each minute of their round.
func TestFleetComesBack(t *testing.T) {
	const nodes, catchUp = 1000, 15 * time.Minute
	bound := chanceOfReturn(nodes, catchUp)
	worst := 0.0
	for minute := range 30 {
		back := time.Date(2026, 11, 23, 4, minute, 17, 0, time.UTC)
		var bins [catchUp / (30 * time.Second)]int
		for i := range nodes {
			runs := firstRuns(t, i, back, catchUp)
			since := runs[0].Sub(back)
			if since < 0 || since > catchUp {
				t.Fatalf("%s runs after %v", certname(i), since)
			}
			if gap := runs[1].Sub(runs[0]); gap < catchUp {
				t.Errorf("%s runs twice within %v", certname(i), gap)
			}
			bins[min(int(since/(30*time.Second)), len(bins)-1)]++
		}
		got := float64(slices.Max(bins[:])) / (nodes / float64(len(bins)))
		worst = max(worst, got)
	}
	t.Logf("%d nodes back at once, catch_up %v: starts per 30 s, peak / mean at most %.2f at any minute; 99th of 100 by chance %.2f", nodes, catchUp, worst, bound)
	if worst > bound {
		t.Errorf("worse than chance")
	}
}

// firstRuns returns the first two runs of a node that was off for two hours.
func firstRuns(t testing.TB, i int, back time.Time, catchUp time.Duration) [2]time.Time {
	s := spec(t, scheduler.Rule{Every: fleetEvery, CatchUp: catchUp, Share: splay.Identity{Certname: certname(i)}.Share(splay.Hash)})
	l := s.Observe(scheduler.Ledger{Through: back.Add(-2 * time.Hour)}, back)
	var runs [2]time.Time
	for i := range runs {
		p := s.Plan(s.Observe(l, back))
		back = back.Add(max(0, p.At.Sub(back))) // an old slot's run starts late
		l, runs[i] = l.Take(p, "x").Settle(true), back
	}
	return runs
}

func chanceOfReturn(nodes int, within time.Duration) float64 {
	return chance(nodes, int(within/(30*time.Second)))
}

// chance is the 99th percentile of what uniform starts would give.
func chance(nodes, parts int) float64 {
	rng := rand.New(rand.NewPCG(2, 2))
	peaks := make([]float64, draws)
	for d := range peaks {
		bins := make([]int, parts)
		for range nodes {
			bins[rng.IntN(len(bins))]++
		}
		peaks[d] = float64(slices.Max(bins)) * float64(len(bins)) / float64(nodes)
	}
	slices.Sort(peaks)
	return peaks[draws*99/100]
}

// TestFleetInWindow has nodes that run once a day, in a window of two hours over
// midnight, in a place where two of these nights differ by an hour.
func TestFleetInWindow(t *testing.T) {
	const nodes, days, minutes = 5000, 5, 120
	paris := zone(t, "Europe/Paris")
	bound := chance(nodes, minutes)
	night := windows(t, "23:00-01:00")
	for _, begin := range []string{"2026-11-20T12:00", "2026-03-27T12:00", "2026-10-23T12:00"} {
		var count [days][minutes]int
		from := local(t, begin, paris)
		for i := range nodes {
			s := spec(t, scheduler.Rule{Every: 24 * time.Hour, Location: paris, Windows: night, Share: splay.Identity{Certname: certname(i)}.Share(splay.Hash)})
			due := from
			for day := range days {
				due = s.Next(due)
				opens := from.In(paris).AddDate(0, 0, day).Add(11 * time.Hour)
				count[day][checkedMinute(t, certname(i), due, local(t, opens.Format("2006-01-02T")+"23:00", paris), minutes)]++
			}
		}
		worst := 0.0
		for _, starts := range count {
			worst = max(worst, float64(slices.Max(starts[:]))*minutes/nodes)
		}
		t.Logf("%d nodes, each day from %s once from 23:00 to 01:00: starts per minute, peak / mean at most %.2f; 99th of 100 by chance %.2f", nodes, begin[:10], worst, bound)
		if worst > bound {
			t.Errorf("worse than chance")
		}
	}
}

func checkedMinute(t *testing.T, name string, due, opens time.Time, minutes int) int {
	minute := int(due.Sub(opens) / time.Minute)
	if due.Before(opens) || minute >= minutes {
		t.Fatalf("%s is due at %v, not within %d minutes after %v", name, due, minutes, opens)
	}
	return minute
}

// TestFleetOfSlots has nodes come and go as the collector has it: each that joins gets the
// smallest number that is free, and keeps it until it is retired.
func TestFleetOfSlots(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(3, seed))
		taken := make([]bool, 10_000)
		join := func(n int) {
			for k := 0; n > 0; k++ {
				if k == len(taken) {
					taken = append(taken, false)
				}
				if !taken[k] {
					taken[k], n = true, n-1
				}
			}
		}
		check := func(when string, most float64) {
			t.Helper()
			var slots []int
			for k, has := range taken {
				if has {
					slots = append(slots, k)
				}
			}
			at := offset(t, func(i int) splay.Share { return goldenSlot(slots[i]) })
			got := peak(starts(len(slots), at), fleetEvery, 30*time.Second)
			t.Logf("%5d nodes, %s: runs at one time, peak / mean %.3f", len(slots), when, got)
			if got > most {
				t.Errorf("%s: %.3f, more than %.2f", when, got, most)
			}
		}
		join(10_000)
		check("after they joined", 1.03)
		for _, k := range rng.Perm(len(taken))[:2000] {
			taken[k] = false
		}
		check("after a fifth was retired", 1.15)
		join(2000)
		check("after as many others joined", 1.05)
	}
}
