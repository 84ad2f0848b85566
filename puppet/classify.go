package puppet

import (
	"fmt"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/scheduler"
)

// Verdict is what a run's evidence amounts to.
type Verdict struct {
	Outcome api.Outcome
	Reason  api.Reason
	Message string
}

// Classify judges a run. It asks, in this order: did we end it, was it killed, what
// do its own report and summary prove, and only then what the lack of them means.
// Where the evidence is thin it takes the worse view: a run is never reported
// better than it was.
func Classify(e Evidence) Verdict {
	switch {
	case e.StartErr != nil:
		return notStarted(e.StartErr)
	case e.SettingsErr != nil:
		return Verdict{api.Errored, api.PuppetConfig, "puppet cannot read its configuration; see `puppet-cron log` and try `puppet config print`"}
	case e.Stopped != NotStopped:
		return stopped(e)
	case e.endedBy() != "":
		return killed(e)
	case e.silent():
		return silent(e)
	case !e.completed():
		return incomplete(e)
	}
	return applied(e)
}

func stopped(e Evidence) Verdict {
	ran := e.Ended.Sub(e.Started).Round(time.Second)
	switch e.Stopped {
	case ByDeadline:
		return Verdict{api.TimedOut, "", fmt.Sprintf("ended after %s: the deadline had passed", ran)}
	case AtSystemStop:
		return Verdict{api.Interrupted, api.ByShutdown, "ended because the system is shutting down"}
	}
	return Verdict{api.Interrupted, api.BySignal, fmt.Sprintf("ended after %s because the runner was told to stop", ran)}
}

func killed(e Evidence) Verdict {
	switch signal := e.endedBy(); signal {
	case "SIGKILL":
		if e.OOM {
			return Verdict{api.Interrupted, api.OOM, "the kernel killed puppet for want of memory"}
		}
		return Verdict{api.Interrupted, api.Killed, "puppet was killed (SIGKILL)"}
	case "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT":
		return Verdict{api.Interrupted, api.BySignal, "puppet was stopped by " + signal}
	default:
		return Verdict{api.Errored, api.Unknown, "puppet crashed: " + signal}
	}
}

// silent judges a run that left neither summary nor report.
func silent(e Evidence) Verdict {
	switch {
	case e.Adopted && e.Rebooted:
		return Verdict{api.Interrupted, api.PowerLoss, "the machine went down during the run"}
	case e.Adopted:
		return Verdict{api.Interrupted, api.Killed, "puppet and its runner ended without leaving a report"}
	case e.exited(1) && e.Disabled != nil:
		d := scheduler.Decide(scheduler.Facts{Disabled: e.Disabled})
		return Verdict{api.Skipped, d.Reason, d.Message}
	case e.exited(0, 2, 4, 6):
		// 0 is also what a daemonized or an interrupted agent gives.
		return Verdict{api.Errored, api.NoReport, fmt.Sprintf("puppet exited with %d and left no report: what it did is not known", *e.ExitCode)}
	}
	return noCatalog(e)
}

// incomplete judges a run whose report or summary says that no catalog was applied
// to its end.
func incomplete(e Evidence) Verdict {
	switch {
	case e.exited(0, 2, 4, 6):
		// Puppet's handlers of TERM and INT end the run in good order, exit code 0.
		return toldToStop(e, "before it was done")
	case e.ranIntoLimit():
		return endedItself(e)
	case !e.hasCatalog() && e.Adopted && len(e.errors()) == 0:
		return toldToStop(e, "before it had a catalog")
	case !e.hasCatalog():
		return noCatalog(e)
	case e.resources("failed") > 0 && e.nothingEvaluated():
		return Verdict{api.Errored, api.DependencyCycle, "the catalog has a dependency cycle and was not applied"}
	case e.Adopted && len(e.errors()) == 0:
		return toldToStop(e, "before it was done")
	}
	reason := api.Unknown // words about servers and certificates are not why an applied catalog stopped
	if e.reasonInMessages() == api.DependencyCycle {
		reason = api.DependencyCycle
	}
	return Verdict{api.Errored, reason, "puppet gave up before the catalog was applied"}
}

func toldToStop(e Evidence, when string) Verdict {
	if e.Rebooted {
		return Verdict{api.Interrupted, api.ByShutdown, "the system shut down and told puppet to stop " + when}
	}
	return Verdict{api.Interrupted, api.BySignal, "puppet was told to stop " + when}
}

func endedItself(e Evidence) Verdict {
	return Verdict{api.TimedOut, "", fmt.Sprintf("puppet ended the run itself after %s (its setting runtimeout)", e.Settings.RunTimeout())}
}

// nothingEvaluated reports whether no resource was even looked at. Puppet adds a
// timing for each type of resource that it evaluated, all other keys have an
// underscore or are these.
func (e *Evidence) nothingEvaluated() bool {
	for key := range e.timings() {
		switch key {
		case "total", "config_retrieval", "convert_catalog", "fact_generation", "node_retrieval", "plugin_sync",
			"startup_time", "resubmit_facts":
		default:
			return false
		}
	}
	return true
}

// applied judges a run that applied a catalog to its end.
func applied(e Evidence) Verdict {
	// A resource that failed to restart may be counted as failed as well.
	failed := max(e.resources("failed"), e.resources("failed_to_restart"))
	total := e.resources("total")
	switch {
	case failed > 0:
		return Verdict{api.Failed, "", ofResources(failed, total) + " failed"}
	case e.exited(4, 6) || (e.Report != nil && e.Report.Status == "failed"):
		return Verdict{api.Failed, "", "puppet says that the run failed, although no resource is counted as failed"}
	case e.exited(1) && e.ranIntoLimit(): // while it sent the report, say
		return endedItself(e)
	case e.exited(1):
		return Verdict{api.Failed, api.PostrunFailed, "the catalog was applied, then the postrun_command failed"}
	case e.ExitCode != nil && !e.exited(0, 2):
		return Verdict{api.Errored, api.Unknown, fmt.Sprintf("puppet exited with %d although its report looks well", *e.ExitCode)}
	}
	if v, stale := staleness(e); stale {
		return v
	}
	switch {
	case e.changes() > 0 || e.exited(2):
		return Verdict{api.Changed, "", ofResources(e.resources("changed"), total) + " changed"}
	case e.pending() > 0:
		return Verdict{api.Unchanged, "", fmt.Sprintf("nothing changed; noop kept %d from being made", e.pending())}
	}
	return Verdict{api.Unchanged, "", fmt.Sprintf("all %d resources are as they should be", total)}
}

func ofResources(n, total int) string { return fmt.Sprintf("%d of %d resources", n, total) }

// staleness tells whether the catalog is one that the server did not give now. The
// summary does not say; without a report it takes another catalog in Puppet's cache
// to prove that it is new, or the order not to fall back on an old one. A cached catalog that puppet.conf asks for is no failure.
func staleness(e Evidence) (Verdict, bool) {
	if e.Report != nil {
		if e.Report.CachedCatalogStatus != "on_failure" {
			return Verdict{}, false
		}
		reason := e.reasonNoCatalog()
		return Verdict{api.Stale, reason, "the server gave no catalog, an old one was applied" + because(reason)}, true
	}
	asked := e.Settings != nil && bool(e.Settings.UseCachedCatalog)
	if e.Command == Apply || asked || e.FreshCatalog || e.NoCacheFallback {
		return Verdict{}, false
	}
	return Verdict{api.Stale, api.NoReport, "a catalog was applied, but without a report nothing shows that it was not an old one"}, true
}
