package node

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/hold"
	"github.com/puppet-cron/puppet-cron/internal/printable"
	"github.com/puppet-cron/puppet-cron/scheduler"
)

// Verdict is a status as a monitoring plugin says it.
type Verdict struct {
	Severity config.Severity
	Text     string
	Perfdata string
}

// Line is the plugin's output: one line, bounded, with no | but the one that begins
// the performance data.
func (v *Verdict) Line() string {
	line := "PUPPET " + strings.ToUpper(string(v.Severity)) + " - " + plain(v.Text)
	if v.Perfdata == "" {
		return line
	}
	return line + " | " + v.Perfdata
}

// Code is the plugin's exit code.
func (v *Verdict) Code() int {
	switch v.Severity {
	case config.OK:
		return 0
	case config.Warning:
		return 1
	case config.Critical:
		return 2
	}
	return 3
}

// finding is one thing that check has to say.
type finding struct {
	severity config.Severity
	text     string
}

// Check judges the node as the admin wants it judged. It takes the worst of all that
// is to be said, and says the worst first.
func (s *Status) Check(c config.Check) Verdict {
	found := slices.Concat(s.checkRun(c), s.checkHolds(c), s.checkLimits(), s.checkSilence(c), s.checkCondition(c), s.checkService(c), s.checkReporting(c), s.checkCertificate(c))
	var texts []string
	worst := config.OK
	for _, severity := range severities() {
		for _, f := range found {
			if f.severity == severity {
				texts, worst = append(texts, f.text), worse(worst, severity)
			}
		}
	}
	return Verdict{worst, strings.Join(texts, "; "), s.perfdata(c)}
}

// severities lists them, the worst first. What is not known comes before a warning:
// nobody has looked at it yet.
func severities() []config.Severity {
	return []config.Severity{config.Critical, config.Unknown, config.Warning, config.OK}
}

func worse(a, b config.Severity) config.Severity {
	if slices.Index(severities(), b) < slices.Index(severities(), a) {
		return b
	}
	return a
}

// checkRun judges the last run that was not skipped. It always finds something.
func (s *Status) checkRun(c config.Check) []finding {
	last := s.LastExecuted
	switch {
	case last == nil && len(s.NotKnown) > 0:
		return []finding{{config.Unknown, "the last run cannot be read: " + s.NotKnown[0]}}
	case last == nil:
		return []finding{{config.Unknown, "there has been no run yet" + s.skipped()}}
	case last.Ended == nil || last.Ended.After(s.At.Add(clockSlack)):
		return []finding{{config.Unknown, "the last run ended in the future: the clock was set"}}
	}
	text := fmt.Sprintf("%s %s: %s", Describe(last), s.ago(*last.Ended), last.Message)
	if s.Failing != nil && *s.Failing > 1 {
		text += fmt.Sprintf(" (%d in a row)", *s.Failing)
	}
	found := []finding{{s.severityOf(c), text}}
	if r := s.Running; r != nil && r.CutOff() {
		found = append(found, finding{severityOfCut(c, s), "run " + r.ID + " was cut off, the next one finds out what became of it"})
	}
	if s.skipped() != "" && s.OnPurpose() == nil {
		found = append(found, finding{config.OK, "since then" + s.skipped()})
	}
	return found
}

// clockSlack is how far ahead a time may be that a clock set back has left.
const clockSlack = time.Minute

// skipped says that a later run was skipped.
func (s *Status) skipped() string {
	if s.Last == nil || s.Last.Outcome != api.Skipped || s.Last.Ended == nil {
		return ""
	}
	return fmt.Sprintf(", skipped (%s) %s", s.Last.Reason, s.ago(*s.Last.Ended))
}

func (s *Status) severityOf(c config.Check) config.Severity {
	switch s.LastExecuted.Outcome {
	case api.Unchanged, api.Changed:
		return config.OK
	case api.Failed:
		return c.Failed
	case api.Stale:
		return c.Stale
	case api.Errored:
		return c.Errored
	case api.TimedOut:
		return c.TimedOut
	case api.Interrupted:
		if s.Failing == nil || *s.Failing > 1 || s.LastExecuted.Trigger == api.Retry {
			return worse(c.Interrupted, c.Errored)
		}
		return c.Interrupted
	}
	return config.Unknown // of a version that knows more outcomes
}

// severityOfCut treats a run that was cut off as what it will be recorded as.
func severityOfCut(c config.Check, s *Status) config.Severity {
	if s.LastExecuted.Outcome.Healthy() {
		return c.Interrupted
	}
	return worse(c.Interrupted, c.Errored)
}

// checkHolds judges what keeps runs off, or from changing anything, because somebody
// wants it so, and what nobody knows of that.
func (s *Status) checkHolds(c config.Check) (found []finding) {
	if h := s.OnPurpose(); h != nil {
		found = append(found, s.checkHold(c, h))
	} else if unseen := s.unseen(); unseen != "" && s.Saw(Holds) {
		found = append(found, finding{config.OK, unseen})
	}
	if since := s.since(hold.Noop); since != nil {
		text := "runs change nothing: " + s.held.NoopHold
		found = append(found, finding{s.tooLong(c, c.NoopHeld, since), text})
	}
	switch {
	case s.HoldsUnreadable != "":
		found = append(found, finding{config.Unknown, s.HoldsUnreadable})
	case !s.Saw(Holds):
		found = append(found, finding{config.Unknown, s.unseen()})
	}
	return found
}

func (s *Status) checkHold(c config.Check, h *Hold) finding {
	severity, text := c.Held, h.Why
	if h.Reason == api.Disabled {
		severity = c.Disabled
		if s.disableUnseen() {
			text += s.asRootSaw()
		}
	}
	return finding{s.tooLong(c, severity, h.Since), text}
}

// tooLong is critical for what has been forgotten, by all appearances.
func (s *Status) tooLong(c config.Check, severity config.Severity, since *time.Time) config.Severity {
	limit := time.Duration(c.DisabledDays) * day
	if limit > 0 && since != nil && s.At.Sub(*since) > limit {
		return config.Critical
	}
	return severity
}

// checkLimits tells what is wanted so, and is no trouble.
func (s *Status) checkLimits() []finding {
	switch {
	case s.IfDueReason == api.OutsideWindow:
		return []finding{{config.OK, s.IfDueWhy}}
	case s.IfDue != scheduler.Skip && s.IfDueNoop != "" && s.since(hold.Noop) == nil:
		return []finding{{config.OK, "runs change nothing: " + s.IfDueNoop}}
	}
	return nil
}

const day = 24 * time.Hour

// checkSilence judges that runs do not come. What is held on purpose is not silent.
func (s *Status) checkSilence(c config.Check) []finding {
	e := s.Expected
	if e == nil || !s.At.After(e.By) || s.OnPurpose() != nil {
		return nil
	}
	text, severity := "a run was due and did not come", c.Overdue
	switch {
	case s.At.After(e.Late):
		text = "runs were due and did not come"
	case c.Overdue != config.OK:
		severity = config.Warning
	}
	if !s.At.After(e.Quiet) {
		text, severity = text+", but the system has just booted", config.OK
	}
	return []finding{{severity, text}}
}

// checkCondition judges that a condition keeps runs off, slot after slot: they come, and
// do nothing.
func (s *Status) checkCondition(c config.Check) []finding {
	if !s.byCondition() || s.OnPurpose() != nil {
		return nil
	}
	return []finding{{c.Condition, "a condition keeps runs off: " + s.Last.Message}}
}

func (s *Status) checkService(c config.Check) []finding {
	var found []finding
	switch v := s.Service; {
	case !s.Saw(Serving):
		found = append(found, finding{config.Unknown, "what the service keeps cannot be read"})
	case v == nil:
	case !v.Alive && s.Expected != nil && !s.At.After(s.Expected.Quiet):
		found = append(found, finding{config.OK, "the service is not running yet, the system has just booted"})
	case !v.Alive:
		found = append(found, finding{c.ServiceDown, "the service is not running"})
	case v.ConfigError != "":
		found = append(found, finding{c.ServiceTrouble, "the changed configuration is refused: " + v.ConfigError})
	case v.LastError != "":
		found = append(found, finding{c.ServiceTrouble, v.LastError})
	}
	return found
}

func (s *Status) checkCertificate(c config.Check) []finding {
	if s.CertificateEnds == nil {
		return nil
	}
	left := s.CertificateEnds.Sub(s.At)
	text := "the node's certificate ends in " + Span(left)
	if left <= 0 {
		text = "the node's certificate ended " + Span(-left) + " ago"
	}
	switch {
	case c.CertificateCriticalDays > 0 && left < time.Duration(c.CertificateCriticalDays)*day:
		return []finding{{config.Critical, text}}
	case c.CertificateWarningDays > 0 && left < time.Duration(c.CertificateWarningDays)*day:
		return []finding{{config.Warning, text}}
	}
	return nil
}

// perfdata is what is known in numbers. What is not known is left out: a 0 would lie.
func (s *Status) perfdata(c config.Check) string {
	var p []string
	add := func(format string, a ...any) { p = append(p, fmt.Sprintf(format, a...)) }
	if last := s.LastExecuted; last != nil && last.Ended != nil {
		add("age=%.0fs;%s;0", max(0, s.At.Sub(*last.Ended).Seconds()), s.ageLimits(*last.Ended))
		if last.Usage != nil {
			add("time=%.1fs;;;0", last.Usage.WallS)
		}
		if r := last.Resources; r != nil {
			add("total=%d;;;0 failed=%d;;;0 changed=%d;;;0 corrective=%d;;;0", r.Total, r.Failed, r.Changed, r.CorrectiveChange)
			add("pending=%d;;;0", last.Pending)
		}
	}
	if s.Failing != nil {
		add("failing=%d;;;0", *s.Failing)
	}
	if r := s.Reporting; r != nil && !r.unread {
		add("waiting=%d;;;0 rejected=%d;;;0", r.Waiting, r.Rejected)
	}
	if s.CertificateEnds != nil {
		add("certificate=%.0fs;%s;%s", s.CertificateEnds.Sub(s.At).Seconds(),
			atLeast(c.CertificateWarningDays), atLeast(c.CertificateCriticalDays))
	}
	return strings.Join(p, " ")
}

// ageLimits are the ages of the last run at which silence is judged.
func (s *Status) ageLimits(ended time.Time) string {
	if s.Expected == nil {
		return ";"
	}
	return fmt.Sprintf("%.0f;%.0f", max(0, s.Expected.By.Sub(ended).Seconds()), max(0, s.Expected.Late.Sub(ended).Seconds()))
}

// atLeast is a range of the guidelines: anything below it is bad.
func atLeast(days int) string {
	if days == 0 {
		return ""
	}
	return fmt.Sprintf("%d:", days*int(day/time.Second))
}

// Unchecked is the verdict when check itself cannot do its work.
func Unchecked(err error) Verdict {
	return Verdict{Severity: config.Unknown, Text: strings.ReplaceAll(err.Error(), "\n", "; ")}
}

// maxText keeps the line below what old agents of monitoring pass on, 1024 bytes.
const maxText = 500

// plain makes text fit for one line of a plugin.
func plain(text string) string {
	return printable.Cut(strings.ReplaceAll(printable.Line(text), "|", "/"), maxText)
}

func (s *Status) ago(t time.Time) string { return Span(max(0, s.At.Sub(t))) + " ago" }

// Span says how long a time is, in the largest unit that tells something.
func Span(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		name string
	}{{365 * day, "years"}, {day, "days"}, {time.Hour, "h"}, {time.Minute, "min"}} {
		if d >= 2*u.size {
			return fmt.Sprintf("%d %s", d/u.size, u.name)
		}
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}
