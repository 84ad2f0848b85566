package puppet

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/puppet-cron/puppet-cron/api"
)

func notStarted(err error) Verdict {
	if errors.Is(err, ErrMissing) {
		return Verdict{api.Errored, api.PuppetMissing, err.Error()}
	}
	return Verdict{api.Errored, api.StartFailed, fmt.Sprintf("puppet could not be started: %v", err)}
}

// noCatalog judges a run that had no catalog to apply.
func noCatalog(e Evidence) Verdict {
	reason := e.reasonNoCatalog()
	return Verdict{api.Errored, reason, "no catalog was applied" + because(reason)}
}

// reasonNoCatalog finds out why there was none: by files and timings first, then by
// one look at the server, and by Puppet's words last. Only what the server itself
// said during the run comes before a look at it afterwards.
func (e *Evidence) reasonNoCatalog() api.Reason {
	words := e.reasonInMessages()
	if words == api.PuppetConfig && !e.silent() {
		words = "" // it read its own configuration, else it had left nothing: this is somebody else's
	}
	switch {
	case e.Command != Apply && words != api.Unknown && e.stoppedBeforeApplying():
		return api.PrerunFailed
	case words != "" && words != api.ServerUnreachable:
		return words
	case e.Command == Apply:
		return orUnknown(words)
	case words == "" && e.silent() && e.Certificate != nil:
		return api.Certificate // Puppet looks at it before it takes its lock: a run with a report had a good one
	}
	return e.reasonAtServer(words)
}

// stoppedBeforeApplying reports whether a catalog was there, ready to be applied:
// between that and applying it is only the prerun_command.
func (e *Evidence) stoppedBeforeApplying() bool {
	_, converted := e.timings()["convert_catalog"]
	return converted && !e.hasCatalog()
}

// reasonAtServer tells a server that is away from one that gave no catalog. Plugins
// come from it, then Puppet collects facts, then it asks for the catalog.
func (e *Evidence) reasonAtServer(words api.Reason) api.Reason {
	_, answered := e.timings()["plugin_sync"]
	_, facts := e.timings()["fact_generation"]
	if answered && !facts && words == "" {
		return api.Unknown
	}
	state := e.probe().State
	switch {
	case state == Busy:
		return api.ServerBusy
	case answered && words == "":
		return api.CompileFailed
	case state == Unreachable:
		return api.ServerUnreachable
	case state == Refuses:
		return api.Certificate
	}
	return orUnknown(words) // it is well now; what it was during the run only words can tell
}

func orUnknown(r api.Reason) api.Reason {
	if r == "" {
		return api.Unknown
	}
	return r
}

func (e *Evidence) probe() Probe {
	if e.Probe == nil {
		return Probe{}
	}
	return e.Probe()
}

func (e *Evidence) reasonInMessages() api.Reason { return reasonInText(e.errors()) }

// errors are the error messages of the run, from its report or else its output.
func (e *Evidence) errors() []string {
	if e.Report == nil {
		return errorLines(e.Output)
	}
	var lines []string
	for _, l := range e.Report.Errors {
		lines = append(lines, l.Message)
	}
	return lines
}

// because puts a reason into the words of a message.
func because(r api.Reason) string {
	switch r {
	case api.CompileFailed:
		return ": it could not be compiled"
	case api.ServerUnreachable:
		return ": the server could not be reached"
	case api.ServerBusy:
		return ": the server was busy"
	case api.Certificate:
		return ": the node's certificate, or the server's, was not accepted"
	case api.PuppetConfig:
		return ": puppet cannot read its configuration"
	case api.PrerunFailed:
		return ": the prerun_command failed"
	case api.DependencyCycle:
		return ": it has a dependency cycle"
	}
	return "; see `puppet-cron log`"
}

// failures are what went wrong, in Puppet's words: the failed resources, or the
// errors of a run without any.
func (e *Evidence) failures() (list []api.Failure, cut int) {
	if e.Report != nil && len(e.Report.Failures) > 0 {
		return e.Report.Failures, e.Report.FailuresCut
	}
	if e.Report != nil {
		for _, l := range e.Report.Errors {
			list = append(list, api.Failure{Resource: resourceOf(l.Source), File: l.File, Line: l.Line, Message: l.Message})
		}
		return once(list), e.Report.ErrorsCut
	}
	for _, line := range errorLines(e.Output) {
		list = append(list, api.Failure{Message: line})
	}
	return once(list), 0
}

// once drops repetitions: some facts fail with the same words twenty times, and
// would crowd out what matters.
func once(list []api.Failure) []api.Failure {
	seen := make(map[api.Failure]bool, len(list))
	return slices.DeleteFunc(list, func(f api.Failure) bool {
		again := seen[f]
		seen[f] = true
		return again
	})
}

// resourceOf leaves out the sources that name no resource.
func resourceOf(source string) string {
	if strings.Contains(source, "[") {
		return source
	}
	return ""
}
