package puppet

import (
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/puppet/report"
)

// Stop says that we ended Puppet ourselves, and why.
type Stop string

// The reasons to end Puppet.
const (
	NotStopped   Stop = ""
	ByDeadline   Stop = "deadline"
	BySignal     Stop = "signal"
	AtSystemStop Stop = "shutdown"
)

// Ending is how the process ended, as its supervisor saw it.
type Ending struct {
	Started, Ended time.Time
	StartErr       error  // it was never started
	ExitCode       *int   // nil: not known, or ended by a signal
	Signal         string // the one that ended it, like SIGKILL
	Stopped        Stop
	Adopted        bool // the runner that started it is gone, and its exit code with it
	Rebooted       bool // the machine went down meanwhile
	OOM            bool // the kernel killed for want of memory
}

// Evidence is all that is known of a run when it has ended.
type Evidence struct {
	Ending
	Command  Command
	Settings *Settings // nil when Puppet could not say
	// SettingsErr is why it could not.
	SettingsErr error

	Summary      *report.Summary // proved to be of this run, as is Report
	Report       *report.Report
	FreshCatalog bool
	// NoCacheFallback: Puppet was told not to fall back on a cached catalog.
	NoCacheFallback bool
	Problems        []string // with reading the traces

	Disabled    *api.DisableInfo
	Certificate error  // what is wrong with the node's certificate file
	Output      []byte // the end of what Puppet printed
	Probe       func() Probe
	// EnvironmentRequested is the environment that the run was to use.
	EnvironmentRequested string
}

// Gather adds what the files say to how the process ended.
func Gather(end Ending, o Options, s *Settings, t *Traces, output []byte, probe func() Probe) Evidence {
	f := t.find(end.Started, end.Ended)
	e := Evidence{
		Ending: end, Command: o.Command, Settings: s,
		Summary: f.summary, Report: f.report, FreshCatalog: f.freshCatalog, Problems: f.problems,
		NoCacheFallback: o.NoCacheFallback(),
		Output:          output, EnvironmentRequested: o.Environment,
	}
	if o.Command == Agent {
		e.Disabled, _ = ReadDisable(s.DisabledLock)
		e.Certificate = certificateProblem(s, end.Ended)
		e.Probe = probe
	}
	return e
}

// Silent reports whether Puppet ended with 1 and left nothing that must be its own: it may
// not have run at all, because of a lock, of being disabled, or of a broken configuration.
// An agent's summary names no run, and another agent's stands there for as long as it takes
// that one to send its report and to write it.
func (e *Evidence) Silent() bool {
	return e.exited(1) && e.Report == nil && (e.Summary == nil || e.Command == Agent)
}

func (e *Evidence) silent() bool { return e.Summary == nil && e.Report == nil }

// endedBy is the signal that ended Puppet. Where a shell script is Puppet's wrapper
// it shows as an exit code, and Puppet has none so high.
func (e *Evidence) endedBy() string {
	if e.Signal != "" || e.ExitCode == nil {
		return e.Signal
	}
	return map[int]string{
		129: "SIGHUP", 130: "SIGINT", 131: "SIGQUIT", 134: "SIGABRT", 137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM",
	}[*e.ExitCode]
}

// ranIntoLimit reports whether the run took as long as Puppet's own limit lets it.
// The limit does not cover what is before Puppet's lock; that is left out where
// other things may have ended the run as well.
func (e *Evidence) ranIntoLimit() bool {
	if e.Settings == nil || e.Settings.RunTimeout() <= 0 {
		return false
	}
	ran := max(e.Ended.Sub(e.Started).Seconds(), e.timings()["total"])
	if !e.hasCatalog() {
		ran -= e.timings()["startup_time"]
	}
	return ran >= e.Settings.RunTimeout().Seconds()
}

// completed reports whether Puppet came to the end of a catalog.
func (e *Evidence) completed() bool {
	if e.Report != nil {
		if done := e.Report.TransactionCompleted; done != nil {
			return *done
		}
		_, applied := e.Report.Metric("time", "catalog_application")
		return applied
	}
	return e.Summary != nil && e.Summary.CatalogApplied()
}

// hasCatalog reports whether there was a catalog to apply, completed or not.
func (e *Evidence) hasCatalog() bool {
	if e.Report != nil {
		return e.Report.ConfigVersion != "" || e.Report.CatalogUUID != ""
	}
	return e.Summary != nil && e.Summary.ConfigVersion != ""
}

func (e *Evidence) resources(name string) int {
	if e.Report != nil {
		if v, ok := e.Report.Metric("resources", name); ok {
			return int(v)
		}
	}
	if e.Summary != nil {
		return e.Summary.Resources[name]
	}
	return 0
}

func (e *Evidence) timings() map[string]float64 {
	if e.Report != nil && len(e.Report.Metrics["time"]) > 0 {
		return e.Report.Metrics["time"]
	}
	if e.Summary != nil {
		return e.Summary.Times
	}
	return nil
}

func (e *Evidence) pending() int {
	if e.Report != nil {
		return e.Report.NoopEvents
	}
	if e.Summary != nil {
		return e.Summary.Events["noop"]
	}
	return 0
}

func (e *Evidence) changes() int {
	if e.Report != nil {
		v, _ := e.Report.Metric("changes", "total")
		return int(v)
	}
	if e.Summary != nil {
		return e.Summary.Changes
	}
	return 0
}

func (e *Evidence) exited(codes ...int) bool {
	return e.ExitCode != nil && slices.Contains(codes, *e.ExitCode)
}
