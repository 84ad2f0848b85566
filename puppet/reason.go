package puppet

import (
	"errors"
	"fmt"
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
// one look at the server, and by Puppet's words last.
func (e *Evidence) reasonNoCatalog() api.Reason {
	text := e.reasonInMessages()
	if e.Command == Apply {
		if text == api.Unknown && e.Summary == nil && e.Report == nil {
			return api.Unknown
		}
		return text
	}
	if e.Certificate != nil {
		return api.Certificate
	}
	if text == api.PrerunFailed || text == api.PuppetConfig {
		return text // neither leaves another trace, and the server has no part in them
	}
	_, serverAnswered := e.timings()["plugin_sync"]
	switch e.probe().State {
	case Unreachable:
		return api.ServerUnreachable
	case Refuses:
		return api.Certificate
	case Busy:
		return api.ServerBusy
	case Answers:
		// It is well now. What it was during the run, only words can tell; a refused
		// certificate and a compile error are no passing things.
		if serverAnswered && text == api.Unknown {
			return api.CompileFailed
		}
	}
	if serverAnswered && text == api.Certificate {
		return api.CompileFailed // it took our certificate: the word stands in somebody's manifest
	}
	return text
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
		return list, e.Report.ErrorsCut
	}
	for _, line := range errorLines(e.Output) {
		list = append(list, api.Failure{Message: line})
	}
	return list, 0
}

// resourceOf leaves out the sources that name no resource.
func resourceOf(source string) string {
	if strings.Contains(source, "[") {
		return source
	}
	return ""
}
