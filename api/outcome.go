package api

import "slices"

// Outcome says how a run ended. A run has exactly one.
type Outcome string

// The outcomes.
const (
	Unchanged   Outcome = "unchanged"   // catalog applied, nothing to do
	Changed     Outcome = "changed"     // catalog applied, something changed
	Failed      Outcome = "failed"      // catalog applied, resources failed
	Stale       Outcome = "stale"       // a cached catalog was applied because the server gave none
	Errored     Outcome = "errored"     // no catalog was applied
	TimedOut    Outcome = "timed_out"   // the deadline passed, the run was ended
	Interrupted Outcome = "interrupted" // somebody or something stopped it
	Skipped     Outcome = "skipped"     // not started, on purpose
)

// Outcomes lists every outcome that this version knows.
func Outcomes() []Outcome {
	return []Outcome{Unchanged, Changed, Failed, Stale, Errored, TimedOut, Interrupted, Skipped}
}

// Known reports whether this version knows o. A newer peer may send others.
func (o Outcome) Known() bool { return slices.Contains(Outcomes(), o) }

// Healthy reports whether a fresh catalog was applied without a failure. A
// skipped run is neither healthy nor not: ask Executed first.
func (o Outcome) Healthy() bool { return o == Unchanged || o == Changed }

// Executed reports whether the run got as far as trying Puppet.
func (o Outcome) Executed() bool { return o != "" && o != Skipped }

// Reason says why an outcome came about. It is empty when the outcome says all.
// The set is open on the wire; the node uses only the ones below.
type Reason string

// Reasons of errored and stale runs.
const (
	CompileFailed     Reason = "compile_failed"
	ServerUnreachable Reason = "server_unreachable"
	ServerBusy        Reason = "server_busy"
	Certificate       Reason = "certificate"
	PuppetConfig      Reason = "puppet_config"
	DependencyCycle   Reason = "dependency_cycle"
	PrerunFailed      Reason = "prerun_failed"
	PuppetMissing     Reason = "puppet_missing"
	StartFailed       Reason = "start_failed"
	NoReport          Reason = "no_report"
	Unknown           Reason = "unknown"
)

// PostrunFailed is the reason of a failed run whose catalog was applied well.
const PostrunFailed Reason = "postrun_failed"

// Reasons of skipped runs. ByShutdown is one of interrupted runs too.
const (
	Disabled          Reason = "disabled" // Puppet's disable file stands, whoever wrote it
	Held              Reason = "held"
	Locked            Reason = "locked"
	OutsideWindow     Reason = "outside_window"
	Condition         Reason = "condition"
	UpgradeInProgress Reason = "upgrade_in_progress"
	ByShutdown        Reason = "shutdown"
	Expired           Reason = "expired"
)

// Reasons of interrupted runs.
const (
	BySignal  Reason = "signal"
	Killed    Reason = "killed"
	OOM       Reason = "oom"
	PowerLoss Reason = "power_loss" // only when the boot id changed
)

// Trigger says what asked for a run.
type Trigger string

// The triggers.
const (
	Schedule Trigger = "schedule"
	CatchUp  Trigger = "catchup"
	Retry    Trigger = "retry"
	FollowUp Trigger = "followup"
	Manual   Trigger = "manual"
	Order    Trigger = "order"
)

// Known reports whether this version knows t.
func (t Trigger) Known() bool {
	switch t {
	case Schedule, CatchUp, Retry, FollowUp, Manual, Order:
		return true
	}
	return false
}
