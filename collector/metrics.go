package collector

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/puppet-cron/puppet-cron/api"
)

const namespace = "puppet_cron_collector"

// metrics are what /metrics shows, in a registry of their own.
type metrics struct {
	registry *prometheus.Registry
	handler  http.Handler

	requests *prometheus.CounterVec
	latency  *prometheus.HistogramVec
	results  *prometheus.CounterVec
	groups   prometheus.Histogram
	commits  *prometheus.HistogramVec
	webhooks *prometheus.CounterVec
}

func newMetrics(c *Collector, o Options) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "requests_total", Help: "Requests, by method, route and HTTP status.",
		}, []string{"method", "route", "status"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "request_duration_seconds", Help: "How long requests took, by method and route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .2, .5, 1, 2.5, 10},
		}, []string{"method", "route"}),
		results: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "runs_total", Help: "Runs that were sent, by what became of them.",
		}, []string{"result"}),
		groups: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "commit_runs", Help: "Runs of one commit.",
			Buckets: []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000},
		}),
		commits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "commit_duration_seconds", Help: "How long commits took, by result.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .2, .5, 1, 2.5, 10},
		}, []string{"result"}),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "webhook_requests_total", Help: "Tries to deliver an alert, by webhook and result: taken or failed.",
		}, []string{"webhook", "result"}),
	}
	m.registry.MustRegister(m.requests, m.latency, m.results, m.groups, m.commits, m.webhooks,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(gauges(c, o)...)
	m.registry.MustRegister(newFleet(c))
	if o.Alerts != nil {
		m.registry.MustRegister(&alertNumbers{c})
	}
	if c.trust != nil {
		m.registry.MustRegister(trustCollector{c.trust})
	}
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return m
}

// gauges are what is looked at when somebody asks.
func gauges(c *Collector, o Options) []prometheus.Collector {
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, f)
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "1, with the version as label.", ConstLabels: prometheus.Labels{"version": o.Version},
	})
	info.Set(1)
	return []prometheus.Collector{
		info,
		gauge("queue_runs", "Runs that wait for a commit.", func() float64 { return float64(c.commits.backlog()) }),
		gauge("last_digest_timestamp_seconds", "When it was last looked for changes to tell people of; 0: not yet.", func() float64 { return unix(o.Digested()) }),
		gauge("last_tick_timestamp_seconds", "When it was last known how all nodes stand; 0: not yet.", func() float64 { return unix(o.Ticked()) }),
		gauge("body_bytes", "Bytes of request bodies in memory, unpacked.", func() float64 { return float64(c.bodies.used.Load()) }),
		gauge("body_bytes_limit", "What body_bytes may be at most; beyond, requests are told to come again.", func() float64 { return float64(c.bodies.limit) }),
	}
}

// request counts an answer. Its labels are those of a pattern of the mux, so nobody can
// make up new ones.
func (m *metrics) request(pattern string, status int, took time.Duration) {
	method, route, found := strings.Cut(pattern, " ")
	if !found {
		method, route = "any", "none"
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.latency.WithLabelValues(method, route).Observe(took.Seconds())
}

// result counts what became of a run.
func (m *metrics) result(s api.Status) {
	if s == "" {
		s = notStored
	}
	m.results.WithLabelValues(string(s)).Inc()
}

// group counts a commit.
func (m *metrics) group(runs int, took time.Duration, err error) {
	result := "ok"
	switch {
	case errors.Is(err, ErrBusy):
		result = "busy"
	case err != nil:
		result = "failed"
	}
	m.groups.Observe(float64(runs))
	m.commits.WithLabelValues(result).Observe(took.Seconds())
}

// webhook counts a try to deliver an alert.
func (m *metrics) webhook(name, result string) { m.webhooks.WithLabelValues(name, result).Inc() }

// serveMetrics needs the role viewer.
func (c *Collector) serveMetrics(w http.ResponseWriter, r *http.Request) {
	if p := c.need(r.Context(), Viewer, "metrics.get", ""); p != nil {
		p.write(w)
		return
	}
	c.metrics.handler.ServeHTTP(w, r)
}

// unix is 0 for the zero time.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix())
}
