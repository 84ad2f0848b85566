package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/puppet-cron/puppet-cron/collector/pki"
)

// trustCollector shows until when the TLS material is good. A time that is not known is
// left out.
type trustCollector struct{ trust *pki.Trust }

func trustDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+"_"+name, help, nil, nil)
}

// Describe says nothing, so that the registry takes what Collect gives.
func (trustCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (t trustCollector) Collect(out chan<- prometheus.Metric) {
	s := t.trust.Status()
	for _, g := range []struct {
		name, help string
		at         time.Time
	}{
		{"certificate_not_after_timestamp_seconds", "When the collector's certificate ends.", s.CertificateNotAfter},
		{"ca_not_after_timestamp_seconds", "When the first certificate of the CA file ends.", s.CANotAfter},
		{"crl_this_update_timestamp_seconds", "When the revocation list in force was made; of several, the oldest.", s.CRLThisUpdate},
		{"crl_next_update_timestamp_seconds", "When it is out of date. It stays in force.", s.CRLNextUpdate},
		{"crl_fetched_timestamp_seconds", "When the list was last fetched, or found to be the newest.", s.CRLFetched},
	} {
		if !g.at.IsZero() {
			out <- prometheus.MustNewConstMetric(trustDesc(g.name, g.help), prometheus.GaugeValue, float64(g.at.Unix()))
		}
	}
	out <- prometheus.MustNewConstMetric(trustDesc("crl_fetch_failures_total", "Fetches of the list that failed."), prometheus.CounterValue, float64(s.CRLFetchFailures))
}
