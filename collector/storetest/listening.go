package storetest

import (
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

func (f *fleet) listen(at time.Time) {
	f.t.Helper()
	if err := f.store.Listen(f.t.Context(), at); err != nil {
		f.t.Fatal(err)
	}
}

// listening lets time go on with a collector that listens.
func (f *fleet) listening(d time.Duration) {
	f.t.Helper()
	for range d / (30 * time.Second) {
		f.listen(f.now.Add(30 * time.Second))
		f.pass(30 * time.Second)
	}
}

// A collector that was away calls nobody silent for that, and those who are it does, once.
func collectorAway(_ *testing.T, f *fleet) {
	f.listen(f.now)
	f.report(api.Unchanged, "", numbers(50)...)
	f.listening(time.Minute)
	f.now = f.now.Add(2 * time.Hour)
	f.listening(5 * time.Minute)
	f.report(api.Unchanged, "", numbers(48)...)
	f.listening(20 * time.Minute)
	f.want("opened node00048: nothing is heard of it", "opened node00049: nothing is heard of it")
	f.report(api.Unchanged, "", numbers(49)...)
	f.listening(2 * time.Minute)
	f.want("recovered recovered: node00048: nothing is heard of it")
	// Away again: who was silent stays so, and nobody is told anew.
	f.now = f.now.Add(10 * time.Minute)
	f.listening(15 * time.Minute)
	f.report(api.Unchanged, "", numbers(49)...)
	f.listening(15 * time.Minute)
	f.want()
}

// breaks: the clocks of collectors may be apart, and one that was wrong, by however much, is not
// believed for long.
func breaks(t *testing.T, s collector.Store) {
	const minute = time.Minute
	now := t0
	listen := func(ahead time.Duration) {
		t.Helper()
		if err := s.Listen(t.Context(), now.Add(ahead)); err != nil {
			t.Fatal(err)
		}
	}
	listen(0)
	listen(365 * 24 * time.Hour)
	for range 40 { // the clock is right again, and there is another collector, whose clock is not
		listen(0)
		listen(3 * minute)
		now = now.Add(30 * time.Second)
	}
	put(t, s, now, []*api.Run{every(1800, final(1, "web01", now, api.Unchanged))})
	for range 140 {
		now = now.Add(30 * time.Second)
		listen(0)
		listen(3 * minute)
		if _, _, err := s.Tick(t.Context(), now, 10); err != nil {
			t.Fatal(err)
		}
	}
	n, err := s.Node(t.Context(), "web01")
	if err != nil || n.Presence != standing.Silent {
		t.Errorf("after 70 minutes without a run the node is %+v, %v", n, err)
	}
}
