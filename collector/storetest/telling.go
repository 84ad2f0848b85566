package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/alerts"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// tellings: whatever nodes do, who has read all alerts knows what the lists say, once a minute or
// two have passed: of no node less, and of none that it is still in trouble when it is well.
func tellings(t *testing.T, f *fleet) {
	checks := 0
	rapid.Check(t, func(t *rapid.T) {
		checks++
		k := &reader{fleet: f, check: checks, open: map[string]map[standing.Trouble]string{}, incidents: map[string]standing.Trouble{}, retired: map[string]bool{}}
		k.now = t0.Add(time.Duration(checks) * 10_000 * time.Hour)
		defer k.end(t)
		t.Repeat(map[string]func(*rapid.T){
			"report":       k.Report,
			"report again": k.Report,
			"many report":  k.Many,
			"time":         k.Time,
			"retire":       k.Retire,
			"check":        k.Check,
		})
	})
}

// reader knows of the fleet what alerts told.
type reader struct {
	*fleet
	check     int
	open      map[string]map[standing.Trouble]string // alerts by which it was told
	incidents map[string]standing.Trouble
	retired   map[string]bool // at least once: what was on its way is told all the same
}

const readNodes = 6

func (k *reader) number(n int) int { return k.check*100 + n }

func (k *reader) Report(t *rapid.T) { k.send(t, rapid.IntRange(0, readNodes-1).Draw(t, "node")) }

// Many have the same outcome at once, which is told in one alert.
func (k *reader) Many(t *rapid.T) {
	k.send(t, numbers(rapid.IntRange(2, readNodes).Draw(t, "nodes"))...)
}

func (k *reader) send(t *rapid.T, nodes ...int) {
	outcome := rapid.SampledFrom([]api.Outcome{api.Unchanged, api.Unchanged, api.Failed, api.Stale, api.Errored, api.Skipped}).Draw(t, "outcome")
	skew := rapid.SampledFrom([]time.Duration{0, 0, -time.Hour, time.Hour}).Draw(t, "skew")
	var runs []*api.Run
	for _, n := range nodes {
		k.ids++
		runs = append(runs, every(1800, final(k.ids, fmt.Sprintf("node%05d", k.number(n)), k.now.Add(skew), outcome)))
	}
	twice := rapid.IntRange(0, 4).Draw(t, "twice") == 0
	for range 1 + map[bool]int{true: 1}[twice] {
		if _, err := k.store.Put(t.Context(), k.now, runs); err != nil {
			t.Fatal(err)
		}
	}
}

func (k *reader) Time(t *rapid.T) {
	k.pass(rapid.SampledFrom([]time.Duration{time.Second, 20 * time.Second, time.Minute, 10 * time.Minute, 40 * time.Minute, 3 * time.Hour}).Draw(t, "time"))
	k.read(t)
}

func (k *reader) Retire(t *rapid.T) {
	name := fmt.Sprintf("node%05d", k.number(rapid.IntRange(0, readNodes-1).Draw(t, "node")))
	if err := k.store.Retire(t.Context(), name, k.now); err == nil {
		delete(k.open, name) // who retires a node needs no telling
		k.retired[name] = true
	}
}

// read takes note of what was told.
func (k *reader) read(t *rapid.T) {
	told := k.receiver.take()
	slices.SortFunc(told, func(a, b received) int { return strings.Compare(a.ID, b.ID) })
	for _, a := range told {
		t.Logf("%s: %s %s %v still %v about %s, id %s", k.now, a.Event, a.Message, a.Nodes, a.Still, a.About, a.ID)
		switch {
		case a.Event == alerts.Opened:
			k.opened(t, &a.Alert)
		case a.Event == alerts.Recovered && k.incidents[a.About] != "":
			k.over(t, &a.Alert)
		case a.Event == alerts.Recovered:
			for _, name := range a.Nodes {
				if id := k.open[name][a.Kind]; !k.retired[name] && (id == "" || a.About != "" && id != a.About) {
					t.Fatalf("%s: people know of %q", a.Message, id)
				}
				delete(k.open[name], a.Kind)
			}
		}
	}
}

func (k *reader) opened(t *rapid.T, a *alerts.Alert) {
	for _, name := range a.Nodes {
		if a.Kind.Health() { // one such trouble takes the place of another
			for _, other := range standing.All() {
				if other.Health() && other != a.Kind {
					delete(k.open[name], other)
				}
			}
		}
		if k.open[name] == nil {
			k.open[name] = map[standing.Trouble]string{}
		}
		k.open[name][a.Kind] = a.ID
	}
	if a.Grouped {
		for id, kind := range k.incidents {
			if kind == a.Kind {
				t.Fatalf("%s is told beside %s", a.Message, id)
			}
		}
		k.incidents[a.ID] = a.Kind
	}
}

// over is the end of an incident. Those who stay behind are told of by name.
func (k *reader) over(t *rapid.T, a *alerts.Alert) {
	delete(k.incidents, a.About)
	for name, kinds := range k.open {
		if kinds[a.Kind] == a.About && !slices.Contains(a.Still, name) {
			delete(kinds, a.Kind)
		}
	}
	for _, name := range a.Still {
		if k.open[name] == nil {
			k.open[name] = map[standing.Trouble]string{}
		}
		k.open[name][a.Kind] = a.About
	}
}

// Check compares it with how the nodes stand.
func (k *reader) Check(t *rapid.T) {
	for range 3 {
		k.pass(61 * time.Second)
		k.read(t)
	}
	fleet, err := k.store.Fleet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	following := map[standing.Trouble]bool{}
	for _, kind := range k.incidents {
		following[kind] = true
	}
	for _, line := range fleet {
		for _, kind := range line.Troubles.List() {
			if k.open[line.Certname][kind] == "" && !following[kind] && !k.began(t, line.Certname, kind) {
				t.Fatalf("nobody was told that %s is %s", line.Certname, kind)
			}
		}
		for kind, id := range k.open[line.Certname] {
			if !line.Troubles.Has(kind) && k.incidents[id] == "" {
				t.Fatalf("nobody was told that %s is not %s any more", line.Certname, kind)
			}
		}
	}
}

// began reports whether a trouble has begun just now: silence does so by itself.
func (k *reader) began(t *rapid.T, certname string, kind standing.Trouble) bool {
	n, err := k.store.Node(t.Context(), certname)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(n.Troubles, func(have collector.TroubleOfNode) bool {
		return have.Kind == kind && k.now.Sub(have.Since) < time.Minute
	})
}

// end leaves the store to the next check without nodes and incidents.
func (k *reader) end(t *rapid.T) {
	for n := range readNodes {
		_ = k.store.Retire(t.Context(), fmt.Sprintf("node%05d", k.number(n)), k.now) // there may be none
	}
	for range 3 {
		k.pass(2 * time.Hour)
	}
	k.receiver.take()
}
