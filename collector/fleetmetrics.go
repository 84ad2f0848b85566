package collector

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// fleet shows what the store knows of the nodes. It is asked at most every 15 s, however
// many scrape, and for 5 s at most.
type fleet struct {
	c *Collector

	mu      sync.Mutex
	at      time.Time
	up      bool
	summary *Summary
}

const (
	fleetEvery   = 15 * time.Second
	fleetTimeout = 5 * time.Second
)

func newFleet(c *Collector) *fleet { return &fleet{c: c} }

var _ prometheus.Collector = (*fleet)(nil)

// Describe says nothing, so that the registry takes what Collect gives.
func (f *fleet) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector. Without the store there are no numbers of nodes:
// old ones would look as if all were well.
func (f *fleet) Collect(out chan<- prometheus.Metric) {
	up, s := f.look()
	labelled := func(name, help string, v float64, names []string, values ...string) {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(namespace+"_"+name, help, names, nil), prometheus.GaugeValue, v, values...)
	}
	gauge := func(name, help string, v float64) { labelled(name, help, v, nil) }
	gauge("store_up", "Whether the store answered, at most 15 s ago.", number(up))
	if s == nil {
		return
	}
	outcomes := byKnown(s.Outcomes)
	outcomes["none"] = s.Never
	for outcome, n := range outcomes {
		labelled("nodes", "Nodes that are not retired, by the outcome of their last run that was not skipped; none: without any.",
			float64(n), []string{"outcome"}, outcome)
	}
	for _, presence := range standing.Presences() {
		labelled("nodes_presence", "Nodes by whether they are heard of when they should be; unknown: they told of no schedule.",
			float64(s.Presence[presence]), []string{"presence"}, string(presence))
	}
	for _, t := range standing.All() {
		labelled("nodes_troubled", "Nodes by what is wrong with them; one may have several troubles.", float64(s.Troubles[t]), []string{"trouble"}, string(t))
		labelled("nodes_troubled_acknowledged", "Those of them that somebody looks after.", float64(s.Acknowledged[t]), []string{"trouble"}, string(t))
	}
	gauge("nodes_skipped", "Nodes whose last run was skipped.", float64(s.Skipped))
	gauge("nodes_disabled", "Nodes on which Puppet is disabled.", float64(s.Disabled))
	gauge("nodes_running", "Nodes with a run in progress.", float64(s.Running))
	gauge("runs_dropped", "Outcomes that full spools of these nodes had to drop, in all.", float64(s.Dropped))
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// byKnown counts every outcome that this version knows, none left out, and the others
// together: nodes must not make up labels.
func byKnown(counts map[api.Outcome]int) map[string]int {
	known := make(map[string]int)
	for _, o := range api.Outcomes() {
		if o != api.Skipped {
			known[string(o)] = 0
		}
	}
	for o, n := range counts {
		if !o.Known() {
			o = "other"
		}
		known[string(o)] += n
	}
	return known
}

func (f *fleet) look() (bool, *Summary) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.c.now()
	if age := now.Sub(f.at); age >= 0 && age < fleetEvery && !f.at.IsZero() {
		return f.up, f.summary
	}
	ctx, cancel := context.WithTimeout(context.Background(), fleetTimeout)
	defer cancel()
	f.at, f.up, f.summary = now, false, nil
	s, err := f.c.store.Summary(ctx)
	if err == nil {
		f.summary = s
		err = f.c.store.Ping(ctx)
	}
	if err != nil {
		f.c.log.Warn("the store gives no numbers for the metrics", "error", err)
	}
	f.up = err == nil
	return f.up, f.summary
}
