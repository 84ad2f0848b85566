package node

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/state"
)

// Reporting is how this node's outcomes get to the collector.
type Reporting struct {
	URL     string     `json:"url"`
	Waiting int        `json:"waiting"`
	Oldest  *time.Time `json:"oldest,omitempty"` // since when the oldest of them waits
	Late    *time.Time `json:"late,omitempty"`   // later than that, it waits for too long
	// Rejected is how many the collector will never take, of those that are kept. Dropped is
	// how many are lost, in all: the spool was full, or somebody gave them up.
	Rejected int `json:"rejected"`
	Dropped  int `json:"dropped"`

	LastSuccess  *time.Time `json:"last_success,omitempty"` // when an outcome was taken
	LastError    string     `json:"last_error,omitempty"`
	FailingSince *time.Time `json:"failing_since,omitempty"`
	NextTry      *time.Time `json:"next_try,omitempty"`
	Slot         *float64   `json:"slot,omitempty"`

	unread bool // the counts are not known
}

// readReporting reads files alone. The collector is asked nothing.
func (s *Status) readReporting(src Source) {
	if src.ReportTo == "" {
		return
	}
	s.Reporting = reportingOf(src.State, src.ReportTo, s.notKnown)
	if r := s.Reporting; r.Oldest != nil {
		patience := time.Hour
		if src.Spec != nil {
			patience = max(patience, 2*src.Spec.Interval())
		}
		r.Late = new(r.Oldest.Add(patience))
	}
}

func reportingOf(d *state.Dir, to string, unknown func(error)) *Reporting {
	r := &Reporting{URL: to}
	if u, err := url.Parse(to); err == nil {
		r.URL = u.Redacted()
	}
	spooled, err := d.Spooled()
	if err != nil {
		r.unread = true
		unknown(err)
	}
	r.Waiting, r.Oldest, r.Rejected, r.Dropped = spooled.Waiting, spooled.Oldest, spooled.Rejected, spooled.Dropped
	known, err := d.Reporting()
	switch {
	case err == nil:
		r.LastSuccess, r.LastError, r.FailingSince, r.NextTry, r.Slot = known.LastSuccess, known.LastError, known.FailingSince, known.NextTry, known.Slot
	case !errors.Is(err, fs.ErrNotExist):
		unknown(err)
	}
	return r
}

// checkReporting judges outcomes that the collector does not have. A collector that is
// away for an hour, or for two intervals where those are longer, is its own alarm.
func (s *Status) checkReporting(c config.Check) []finding {
	r := s.Reporting
	if r == nil {
		return nil
	}
	var found []finding
	if r.unread {
		found = append(found, finding{config.Unknown, "what waits to be reported cannot be read"})
	}
	if r.Oldest != nil && r.Late != nil && s.At.After(*r.Late) {
		text := fmt.Sprintf("%s since %s to be reported", waits(r.Waiting), Span(s.At.Sub(*r.Oldest)))
		if r.LastError != "" {
			text += ": " + r.LastError
		}
		found = append(found, finding{c.Reporting, text})
	}
	if r.Rejected > 0 {
		found = append(found, finding{c.Reporting, fmt.Sprintf("the collector refused %s for good, see `puppet-cron report status`", outcomes(r.Rejected))})
	}
	return found
}

func waits(n int) string {
	if n == 1 {
		return "1 outcome waits"
	}
	return fmt.Sprintf("%d outcomes wait", n)
}

func outcomes(n int) string {
	if n == 1 {
		return "1 outcome"
	}
	return fmt.Sprintf("%d outcomes", n)
}

func (s *Status) reportMetrics(w *exposition) {
	r := s.Reporting
	if r == nil {
		return
	}
	if !r.unread {
		w.gauge("report_waiting", "How many outcomes wait to be reported.", float64(r.Waiting))
		w.moment("report_oldest_timestamp_seconds", "Since when the oldest of them waits; only there while one does.", r.Oldest)
		w.moment("report_late_timestamp_seconds", "Later than that, it waits for too long; only there while one waits.", r.Late)
		w.gauge("report_rejected", "How many outcomes the collector refused for good, of those that are kept.", float64(r.Rejected))
		w.counter("report_dropped_total", "How many outcomes were lost: too many waited, or somebody gave them up.", float64(r.Dropped))
	}
	w.moment("report_last_success_timestamp_seconds", "When the collector last took an outcome.", r.LastSuccess)
	w.gauge("report_failing", "Whether the last try to report failed.", oneIf(r.LastError != ""))
}
