package collector

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// alertNumbers shows how far alerts are on their way.
type alertNumbers struct{ c *Collector }

// Describe says nothing, so that the registry takes what Collect gives.
func (a *alertNumbers) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector. Without the store there are no numbers.
func (a *alertNumbers) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), fleetTimeout)
	defer cancel()
	n, err := a.c.alerts.Numbers(ctx)
	if err != nil {
		a.c.log.Warn("the store gives no numbers of alerts for the metrics", "error", err)
		return
	}
	gauge := func(name, help string, v float64) {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(namespace+"_"+name, help, nil, nil), prometheus.GaugeValue, v)
	}
	gauge("incidents_open", "Grouped alerts whose trouble is not over.", float64(n.Open))
	gauge("changes_waiting", "Troubles that began or ended, and of which it is not settled yet who is told.", float64(n.Changes))
	gauge("webhook_deliveries_pending", "Deliveries of alerts that no webhook has taken yet.", float64(n.Pending))
	gauge("webhook_deliveries_given_up", "Deliveries that were given up, of those that are remembered.", float64(n.GivenUp))
	gauge("webhook_delivery_oldest_timestamp_seconds", "Since when the oldest pending delivery waits; 0: none does.", unix(n.OldestDue))
}

// Observe counts a try to deliver an alert.
func (c *Collector) Observe(webhook, result string) { c.metrics.webhook(webhook, result) }
