package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/command"
	"github.com/puppet-cron/puppet-cron/internal/printable"
	"github.com/puppet-cron/puppet-cron/node"
)

func (p *program) printJSON(v any) error { return command.PrintJSON(p.stdout, v) }

// showRun is the short account of a run that a person gets.
func (p *program) showRun(r *api.Run) {
	fmt.Fprintln(p.stdout, p.oneLine(r))
	for _, w := range r.Warnings {
		fmt.Fprintf(p.stdout, "  warning: %s\n", printable.Line(w))
	}
	for _, f := range r.Failures {
		fmt.Fprintf(p.stdout, "  %s\n", failureLine(f))
	}
	if r.FailuresCut > 0 {
		fmt.Fprintf(p.stdout, "  and %d more\n", r.FailuresCut)
	}
	for _, l := range r.LeftRunning {
		fmt.Fprintf(p.stdout, "  left running: pid %d (%s)\n", l.PID, printable.Line(l.Command))
	}
	if text := dropped(r); text != "" {
		fmt.Fprintf(p.stdout, " %s\n", text)
	}
	if r.Outcome.Executed() && !r.Outcome.Healthy() {
		fmt.Fprintf(p.stdout, "  full output: puppet-cron log %s\n", r.ID)
	}
}

func (p *program) oneLine(r *api.Run) string {
	took := ""
	if r.Usage != nil {
		took = fmt.Sprintf(" (%s)", seconds(r.Usage.WallS))
	}
	return fmt.Sprintf("%s: %s%s", p.coloured(r.Outcome, node.Describe(r)), printable.Line(r.Message), took)
}

func failureLine(f api.Failure) string {
	var b strings.Builder
	if f.Resource != "" {
		b.WriteString(f.Resource + ": ")
	}
	b.WriteString(f.Message)
	if f.File != "" {
		fmt.Fprintf(&b, " (%s:%d)", f.File, f.Line)
	}
	return printable.Line(b.String())
}

// coloured marks text by how good an outcome is, on a terminal only. The words say
// it all without the colour.
func (p *program) coloured(o api.Outcome, text string) string {
	if !isTerminal(p.stdout) || os.Getenv("NO_COLOR") != "" {
		return text
	}
	code := map[api.Outcome]int{api.Unchanged: 32, api.Changed: 36, api.Skipped: 33}[o]
	if code == 0 {
		code = 31
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, text)
}

func isTerminal(w io.Writer) bool {
	if l, ok := w.(*command.Lossy); ok {
		w = l.Unwrap()
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	fi, err := f.Stat()
	return err == nil && fi.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

func seconds(s float64) string {
	switch {
	case s < 10:
		return fmt.Sprintf("%.1f s", s)
	case s < 120:
		return fmt.Sprintf("%.0f s", s)
	}
	return fmt.Sprintf("%.0f min", s/60)
}

// ago says how long ago t was, in the largest unit that tells something.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	if d < 0 {
		return "in " + ahead(-d)
	}
	return span(d) + " ago"
}

// ahead is a span that is to come, rounded up: of 4 hours 3 are not left at once.
func ahead(d time.Duration) string {
	up := func(unit time.Duration) time.Duration { return (d + unit - 1).Truncate(unit) }
	const day = 24 * time.Hour
	for _, unit := range []time.Duration{365 * day, day, time.Hour, time.Minute} { // as Span's
		if up(time.Second) >= 2*unit {
			return span(up(unit))
		}
	}
	return span(up(time.Second))
}

func span(d time.Duration) string { return node.Span(d) }

// moment is a point in time in the reader's zone.
func moment(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 MST") }
