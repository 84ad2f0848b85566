// Package report reads what a Puppet run leaves behind: last_run_summary.yaml
// and last_run_report.yaml.
//
// It turns an io.Reader into facts. It opens no file, starts no process and
// judges nothing: what the facts mean for a run is package puppet's business.
// Whatever the input, memory is bounded, and a file that is not whole is an
// error, never a half-true answer.
package report

import (
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// Bounds of what a Report keeps.
const (
	maxErrors   = 50
	maxFailures = api.MaxFailures
	maxMessage  = 2 << 10 // bytes of a message
	maxName     = api.MaxNameBytes
)

// Report holds the facts of a last_run_report.yaml.
type Report struct {
	Host            string
	Time            time.Time // when Puppet started
	ConfigVersion   string    // "" = null: no catalog was applied
	TransactionUUID string
	PuppetVersion   string
	Status          string // failed, changed or unchanged
	Environment     string
	Format          int

	TransactionCompleted *bool // nil: the format is too old to say
	Noop                 bool
	NoopPending          bool
	CorrectiveChange     bool

	JobID               string
	CatalogUUID         string
	CodeID              string
	CachedCatalogStatus string
	ServerUsed          string

	Metrics map[string]map[string]float64 // category -> name -> value

	Errors      []LogLine // log lines of level err or worse, the first 50
	ErrorsCut   int       // how many there were beyond
	Failures    []api.Failure
	FailuresCut int // failed resources beyond the first 50
	NoopEvents  int
}

// LogLine is one line of the log that Puppet puts into its report.
type LogLine struct {
	Level, Message, Source, File string
	Line                         int
}

// Metric returns one value of Metrics and whether the report has it.
func (r *Report) Metric(category, name string) (float64, bool) {
	v, ok := r.Metrics[category][name]
	return v, ok
}
