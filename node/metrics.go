package node

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/hold"
	"github.com/puppet-cron/puppet-cron/scheduler"
)

// Metrics is the status in the text format of Prometheus, for node_exporter's textfile
// collector. The file stays as it is until something happens, so it holds times, not
// ages. What is not known is left out: a 0 would lie.
func (s *Status) Metrics() []byte {
	w := new(exposition)
	w.gauge("build_info", "The version of puppet-cron that wrote this; always 1.", 1, "version", s.Version)
	s.runMetrics(w)
	s.executedMetrics(w)
	s.scheduleMetrics(w)
	s.holdMetrics(w)
	s.serviceMetrics(w)
	s.reportMetrics(w)
	if s.CertificateEnds != nil {
		w.moment("certificate_expiry_timestamp_seconds", "When the node's certificate ends.", s.CertificateEnds)
	}
	if s.Saw(Schedulers) {
		w.gauge("other_schedulers", "What else starts Puppet on this node: daemons, timers, crontab lines.", float64(len(s.Schedulers)))
	}
	return w.Bytes()
}

func (s *Status) runMetrics(w *exposition) {
	if s.Last != nil {
		w.moment("last_run_timestamp_seconds", "When the last run ended, of any outcome.", s.Last.Ended)
		w.outcomes("last_run_outcome", "The outcome of the last run: 1 for the one that it had.", s.Last.Outcome)
	}
	if s.LastSuccess != nil {
		w.moment("last_success_timestamp_seconds", "When the last run ended that was unchanged or changed.", s.LastSuccess.Ended)
	}
	if s.LastChange != nil {
		w.moment("last_change_timestamp_seconds", "When the last run ended that changed something.", s.LastChange.Ended)
	}
	if s.Failing != nil {
		w.gauge("consecutive_failures", "How many runs in a row did not end well, skipped ones and retries left out.", float64(*s.Failing))
		w.moment("failing_since_timestamp_seconds", "When the first of these ended; only there while there are any.", s.FailingSince)
	}
}

// executedMetrics are of the last run that was not skipped.
func (s *Status) executedMetrics(w *exposition) {
	r := s.LastExecuted
	if r == nil {
		return
	}
	w.moment("last_executed_start_timestamp_seconds", "When the last run began that was not skipped.", r.Started)
	w.moment("last_executed_timestamp_seconds", "When it ended.", r.Ended)
	w.outcomes("last_executed_outcome", "Its outcome: 1 for the one that it had.", r.Outcome)
	w.gauge("last_executed_info", "What it was; always 1.", 1, "environment", r.Environment, "puppet_version", r.PuppetVersion,
		"reason", string(r.Reason), "trigger", string(r.Trigger))
	w.gauge("last_executed_noop", "Whether it was to change nothing.", oneIf(r.Noop))
	w.gauge("last_executed_pending_changes", "Changes that noop kept from being made.", float64(r.Pending))
	if u := r.Usage; u != nil {
		w.gauge("last_executed_duration_seconds", "How long it took.", u.WallS)
		w.gauge("last_executed_cpu_seconds", "The CPU time of Puppet and its children.", u.CPUS)
		w.gauge("last_executed_max_rss_bytes", "The most memory that Puppet or one of its children had.", float64(u.MaxRSSBytes))
	}
	if c := r.Resources; c != nil {
		w.gauge("last_executed_catalog_resources", "The resources of its catalog.", float64(c.Total))
		w.resources(c)
	}
}

func (s *Status) scheduleMetrics(w *exposition) {
	if e := s.Expected; e != nil {
		by, late := later(e.By, e.Quiet), later(e.Late, e.Quiet)
		w.moment("run_missed_timestamp_seconds", "Later than that without a run, one was missed.", &by)
		w.moment("run_overdue_timestamp_seconds", "Later than that without a run, two were missed.", &late)
	}
	v := s.Service
	if v == nil {
		return
	}
	w.moment("next_run_timestamp_seconds", "When the next run is due.", v.NextDue)
	if v.IntervalS > 0 {
		w.gauge("schedule_interval_seconds", "The time between two slots, the shortest one where it varies.", v.IntervalS)
	}
	if v.OffsetS != nil {
		w.gauge("schedule_offset_seconds", "How much later than the schedule itself this node runs.", *v.OffsetS)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// holdMetrics say what Decide says of a run that comes by itself.
func (s *Status) holdMetrics(w *exposition) {
	if s.IfDue == "" {
		return
	}
	const name = "kept_off"
	w.head(name, "What kept runs off when this was written: 1 for the reason, by the words of run records.")
	for _, r := range []api.Reason{api.Disabled, api.Held, api.OutsideWindow} {
		kept := s.IfDueReason == r && (r != api.Held || s.HoldsUnreadable == "")
		w.sample(name, oneIf(kept), "reason", string(r))
	}
	if kept, known := s.keptOffByCondition(); known {
		w.sample(name, oneIf(kept), "reason", string(api.Condition))
	}
	w.gauge("noop", "Whether runs that come by themselves were to change nothing when this was written, by a hold or a window.", oneIf(s.IfDueNoop != ""))
	w.gauge("holds_unreadable", "Whether nobody can tell who holds this node: that keeps every run off.", oneIf(s.HoldsUnreadable != ""))
	if h := s.OnPurpose(); h != nil {
		w.moment("kept_off_since_timestamp_seconds", "Since when Puppet is disabled, or runs are held.", h.Since)
	}
	w.moment("noop_held_since_timestamp_seconds", "Since when a hold keeps runs from changing anything.", s.since(hold.Noop))
	w.moment("condition_late_timestamp_seconds", "Later than that, a condition has kept off more than one run; only there while one does.", s.ConditionLate)
}

// keptOffByCondition is what the last run found, for nobody else looks at conditions.
func (s *Status) keptOffByCondition() (kept, known bool) {
	switch last := s.Last; {
	case s.IfDueUnless == "":
		return false, true
	case last == nil || !scheduler.ByItself(last.Trigger):
		return false, false
	case last.Outcome.Executed():
		return false, true
	default:
		return true, last.Reason == api.Condition
	}
}

func (s *Status) serviceMetrics(w *exposition) {
	v := s.Service
	if v == nil {
		return
	}
	w.gauge("service_up", "Whether the service was running when this was written.", oneIf(v.Alive))
	if v.Alive {
		w.moment("service_start_timestamp_seconds", "When the service started.", v.Since)
	}
	w.gauge("service_config_refused", "Whether the service has refused its changed configuration.", oneIf(v.ConfigError != ""))
	w.gauge("service_trouble", "Whether there was something that the service could not do; `puppet-cron status` says what.", oneIf(v.LastError != ""))
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// exposition is text in the format of Prometheus, version 0.0.4.
type exposition struct{ bytes.Buffer }

const namespace = "puppet_cron_"

// gauge writes a metric with one sample.
func (w *exposition) gauge(name, help string, v float64, labels ...string) {
	w.head(name, help)
	w.sample(name, v, labels...)
}

// counter is a gauge that only grows.
func (w *exposition) counter(name, help string, v float64) {
	w.headOf("counter", name, help)
	w.sample(name, v)
}

// moment writes a time, if there is one.
func (w *exposition) moment(name, help string, t *time.Time) {
	if t != nil && !t.IsZero() {
		w.gauge(name, help, float64(t.UnixMilli())/1000)
	}
}

func (w *exposition) outcomes(name, help string, is api.Outcome) {
	w.head(name, help)
	for _, o := range api.Outcomes() {
		w.sample(name, oneIf(o == is), "outcome", string(o))
	}
}

func (w *exposition) resources(c *api.Resources) {
	const name = "last_executed_resources"
	w.head(name, "Its resources by state, in Puppet's own terms; one may have several.")
	for _, s := range []struct {
		state string
		n     int
	}{
		{"changed", c.Changed},
		{"corrective_change", c.CorrectiveChange},
		{"failed", c.Failed},
		{"failed_to_restart", c.FailedToRestart},
		{"out_of_sync", c.OutOfSync},
		{"restarted", c.Restarted},
		{"scheduled", c.Scheduled},
		{"skipped", c.Skipped},
	} {
		w.sample(name, float64(s.n), "state", s.state)
	}
}

func (w *exposition) head(name, help string) { w.headOf("gauge", name, help) }

func (w *exposition) headOf(kind, name, help string) {
	w.WriteString("# HELP " + namespace + name + " " + strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(help) + "\n")
	w.WriteString("# TYPE " + namespace + name + " " + kind + "\n")
}

// sample writes one line. Labels are names and values in turn.
func (w *exposition) sample(name string, v float64, labels ...string) {
	w.WriteString(namespace + name)
	for i := 0; i < len(labels); i += 2 {
		w.WriteByte("{,"[min(i, 1)])
		w.WriteString(labels[i] + `="` + escaped(labels[i+1]) + `"`)
	}
	if len(labels) > 0 {
		w.WriteByte('}')
	}
	w.WriteString(" " + strconv.FormatFloat(v, 'f', -1, 64) + "\n")
}

func escaped(value string) string {
	value = strings.ToValidUTF8(value, "\uFFFD")
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value)
}
