package dashboard

import (
	"fmt"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// A mark shows an outcome: by a word and a sign, and by colour besides.
type mark struct{ Class, Sign, Word string }

func markOf(o api.Outcome) mark {
	m := mark{"other", "?", string(o)}
	switch o {
	case "":
		return mark{"none", "○", "no run yet"}
	case api.Unchanged:
		m.Class, m.Sign = "unchanged", "✓"
	case api.Changed:
		m.Class, m.Sign = "changed", "↻"
	case api.Failed:
		m.Class, m.Sign = "failed", "✗"
	case api.Stale:
		m.Class, m.Sign = "stale", "◷"
	case api.Errored:
		m.Class, m.Sign = "errored", "!"
	case api.TimedOut:
		m.Class, m.Sign, m.Word = "failed", "T", "timed out"
	case api.Interrupted:
		m.Class, m.Sign = "failed", "‖"
	case api.Skipped:
		m.Class, m.Sign = "skipped", "–"
	}
	return m
}

// signOf shows a trouble as outcomes are shown.
func signOf(t standing.Trouble) mark {
	m := mark{"failed", "✗", string(t)}
	switch t {
	case standing.Stale:
		m.Class, m.Sign = "stale", "◷"
	case standing.Errored:
		m.Class, m.Sign = "errored", "!"
	case standing.Gone:
		m.Class, m.Sign = "silent", "∅"
	case standing.Stuck:
		m.Class, m.Sign = "silent", "⧗"
	case standing.Ending:
		m.Class, m.Sign, m.Word = "stale", "⚿", "certificate ends"
	}
	return m
}

// says explains a trouble.
func says(t standing.Trouble) string {
	switch t {
	case standing.Failing:
		return "Runs in a row failed, timed out or were interrupted."
	case standing.Stale:
		return "The server gave no catalog; an old one was applied."
	case standing.Errored:
		return "No catalog was applied."
	case standing.Gone:
		return "Runs were due, and nothing was heard of them."
	case standing.Stuck:
		return "A run began, and did not end within the node's own timeout."
	case standing.Ending:
		return "The node's certificate ends soon, or has ended."
	}
	return ""
}

// A moment is a time on a page. Offset is the node's zone, in seconds east of UTC.
type moment struct {
	Time   time.Time
	Offset *int
}

// newMoment takes a time or a pointer to one, and the node's zone where it is of a node.
func newMoment(t any, offset ...*int) moment {
	m := moment{}
	switch t := t.(type) {
	case time.Time:
		m.Time = t
	case *time.Time:
		if t != nil {
			m.Time = *t
		}
	}
	if len(offset) > 0 {
		m.Offset = offset[0]
	}
	return m
}

// Known reports whether there is a time.
func (m moment) Known() bool { return !m.Time.IsZero() }

// RFC is for machines.
func (m moment) RFC() string { return m.Time.UTC().Format(time.RFC3339) }

// UTC is for people whose browser runs no script.
func (m moment) UTC() string { return m.Time.UTC().Format("2006-01-02 15:04:05 UTC") }

// Local is the node's own time; "" where its zone is not known, or is UTC.
func (m moment) Local() string {
	if m.Offset == nil || *m.Offset == 0 {
		return ""
	}
	sign, o := '+', *m.Offset
	if o < 0 {
		sign, o = '-', -o
	}
	return m.Time.UTC().Add(time.Duration(*m.Offset)*time.Second).Format("15:04:05") + fmt.Sprintf(" UTC%c%02d:%02d on the node", sign, o/3600, o/60%60)
}

// ago is how long ago something was, in words.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	if d < 0 {
		return "in " + span(-d)
	}
	return span(d) + " ago"
}

func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// tookText is how long a run took.
func tookText(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
}
