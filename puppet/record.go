package puppet

import (
	"fmt"
	"maps"
	"slices"

	"github.com/puppet-cron/puppet-cron/api"
)

// Fill writes what the evidence shows into run. The verdict's words come first, so
// that what is written is what was judged.
func (e *Evidence) Fill(run *api.Run, v Verdict) {
	run.Outcome, run.Reason, run.Message = v.Outcome, v.Reason, v.Message
	if v.Outcome == api.Skipped {
		run.Disabled = e.Disabled
		return
	}
	run.ExitCode, run.Signal = e.ExitCode, e.Signal
	e.fillFacts(run)
	e.fillReport(run)
	if !v.Outcome.Healthy() {
		run.Failures, run.FailuresCut = e.failures()
	}
	run.EnvironmentRequested = e.EnvironmentRequested
	run.Warnings = append(run.Warnings, e.warnings(run)...)
}

func (e *Evidence) fillFacts(run *api.Run) {
	run.TimingsS = maps.Clone(e.timings()) // Bound shortens it
	run.Pending = e.pending()
	if e.Report == nil && e.Summary == nil {
		return
	}
	run.Resources = &api.Resources{
		Total: e.resources("total"), Changed: e.resources("changed"), Failed: e.resources("failed"),
		Skipped: e.resources("skipped"), OutOfSync: e.resources("out_of_sync"),
		CorrectiveChange: e.resources("corrective_change"), Restarted: e.resources("restarted"),
		FailedToRestart: e.resources("failed_to_restart"), Scheduled: e.resources("scheduled"),
	}
	if s := e.Summary; s != nil {
		run.Environment, run.ConfigVersion, run.PuppetVersion = s.ConvergedEnvironment, s.ConfigVersion, s.PuppetVersion
	}
}

func (e *Evidence) fillReport(run *api.Run) {
	r := e.Report
	if r == nil {
		return
	}
	run.Noop = r.Noop
	run.Environment, run.ConfigVersion, run.PuppetVersion = r.Environment, r.ConfigVersion, r.PuppetVersion
	run.TransactionUUID = r.TransactionUUID
	if !e.hasCatalog() {
		return
	}
	run.Catalog = &api.Catalog{UUID: r.CatalogUUID}
	if e.Command == Agent {
		run.Catalog.Source = map[string]api.CatalogSource{
			"not_used": api.FromServer, "explicitly_requested": api.FromCache, "on_failure": api.FromCacheOnFailure,
		}[r.CachedCatalogStatus]
	}
}

func (e *Evidence) warnings(run *api.Run) []string {
	w := slices.Clone(e.Problems)
	if asked := e.EnvironmentRequested; asked != "" && e.hasCatalog() && run.Environment != "" && asked != run.Environment {
		w = append(w, fmt.Sprintf("environment %s was asked for, %s was applied", asked, run.Environment))
	}
	if run.Outcome == api.Failed && run.Catalog != nil && run.Catalog.Source == api.FromCacheOnFailure {
		w = append(w, "the server gave no catalog, the failures are those of an old one")
	}
	if e.Adopted && run.Outcome.Executed() {
		w = append(w, "the runner that started this run was killed: its exit code is not known")
	}
	if e.Settings != nil && !bool(e.Settings.Report) && e.Command == Agent {
		w = append(w, "puppet.conf says report = false: failures cannot be named")
	}
	return w
}
