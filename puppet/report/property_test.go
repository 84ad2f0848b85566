package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
)

// psych writes YAML in the style of Ruby's Psych, which is libyaml's: sequences
// are not indented under their keys, long texts are folded, keys that do not fit
// a line get a question mark.
type psych struct{ strings.Builder }

// field writes one key of a mapping, after the given prefix of its line.
func (p *psych) field(prefix, key, value string) {
	p.WriteString(prefix + key + ":" + p.scalar(value, len(prefix)) + "\n")
}

// entry begins the mapping under a key which may be any text, and returns what
// the line of its first field begins with.
func (p *psych) entry(ref string, indent int) (first string) {
	margin := strings.Repeat(" ", indent)
	if len(ref) > 128 || strings.Contains(ref, "\n") {
		p.WriteString(margin + "?" + p.scalar(ref, indent) + "\n")
		return margin + ": "
	}
	p.WriteString(margin + escaped(ref) + ":\n") // without a "?" a key must stay on its line
	return margin + "  "
}

// scalar writes a text below a key that is indented so far.
func (p *psych) scalar(s string, indent int) string {
	margin := "\n" + strings.Repeat(" ", indent+2)
	switch {
	case s == "":
		return " ''"
	case strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && !strconv.IsPrint(r) }) || strings.Contains(s, " \n"):
		return " " + escaped(s)
	case strings.Contains(s, "\n"):
		return " " + literal(s, margin)
	}
	return " '" + folded(strings.ReplaceAll(s, "'", "''"), margin) + "'"
}

func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	return `"` + b.String() + `"`
}

func literal(s, margin string) string {
	head := "|"
	if s[0] == ' ' || s[0] == '\n' {
		head += "2"
	}
	switch {
	case strings.HasSuffix(s, "\n\n") || s == "\n":
		head += "+"
	case !strings.HasSuffix(s, "\n"):
		head += "-"
	}
	var b strings.Builder
	b.WriteString(head)
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
		if line == "" {
			b.WriteString("\n")
			continue
		}
		b.WriteString(margin + line)
	}
	return b.String()
}

// folded breaks a text at single spaces, as libyaml does after column 80.
func folded(s, margin string) string {
	var b strings.Builder
	column := 0
	for i, r := range s {
		alone := r == ' ' && i > 0 && s[i-1] != ' ' && i+1 < len(s) && s[i+1] != ' '
		if alone && column > 80 {
			b.WriteString(margin)
			column = 0
			continue
		}
		b.WriteRune(r)
		column++
	}
	return b.String()
}

// texts are made of what may mislead a reader that looks at lines.
func texts() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			"\n", "\n\n", " ", "  ", "    ", "- ", "? ", ": ", ":", "#", " # ", "|", "|-", ">", "'", "''", `"`, `\`, "\t", "\r\n",
			"logs:", "level: err", "level: info", "- level: emerg", "failed: true", "failed: false", "failed_to_restart: true",
			"resource_statuses:", "host: x", "---", "...", "*1", "&1", "!ruby/object:X", "{", "}", "[", "]", "%", "@", "~", "null",
			"\u2028", "\u0085", "\ufeff", "\U0001F600", "é", "\x00", "Exec[", "word word word word word word word word word word word word ",
		}),
		rapid.StringN(0, 12, -1),
		rapid.StringOfN(rapid.RuneFrom([]rune("ab c")), 0, 200, -1),
	)
	return rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces"), "") })
}

func TestReadFindsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := &Report{
			Host: "a", Time: time.Date(2026, 11, 23, 1, 3, 11, 0, time.UTC), Status: "failed", Format: 12,
			ConfigVersion: cut(texts().Draw(t, "version"), maxName),
			Metrics:       map[string]map[string]float64{},
		}
		var p psych
		p.WriteString("--- !ruby/object:Puppet::Transaction::Report\nhost: a\ntime: '2026-11-23T01:03:11Z'\nreport_format: 12\nstatus: failed\n")
		p.field("", "configuration_version", want.ConfigVersion)
		p.WriteString("logs:\n")
		for range rapid.IntRange(1, 6).Draw(t, "logs") {
			writeLog(t, &p, want)
		}
		p.WriteString("metrics: {}\nresource_statuses:\n")
		for i := range rapid.IntRange(1, 6).Draw(t, "resources") {
			writeResource(t, &p, want, i)
		}
		p.WriteString("corrective_change: false\n")

		got, err := Read(strings.NewReader(p.String()))
		if err != nil {
			t.Fatalf("%v\n%s", err, p.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s\n%s", diff, p.String())
		}
	})
}

func writeLog(t *rapid.T, p *psych, want *Report) {
	l := LogLine{
		Level:   rapid.SampledFrom([]string{"debug", "info", "notice", "warning", "err", "alert", "emerg", "crit"}).Draw(t, "level"),
		Message: texts().Draw(t, "message"),
		Source:  "Puppet",
		Line:    rapid.IntRange(0, 1000).Draw(t, "line"),
	}
	p.WriteString("- level: " + l.Level + "\n")
	p.field("  ", "message", l.Message)
	p.WriteString("  source: Puppet\n  tags:\n  - x\n  file:\n  line: " + strconv.Itoa(l.Line) + "\n")
	switch l.Level {
	case "err", "alert", "emerg", "crit":
		l.Message = cut(l.Message, maxMessage)
		if !slices.Contains(want.Errors, l) { // what is said twice is kept once
			want.Errors = append(want.Errors, l)
		}
	}
}

func writeResource(t *rapid.T, p *psych, want *Report, number int) {
	ref := fmt.Sprintf("%sFile[%d]", texts().Draw(t, "ref"), number)
	message := texts().Draw(t, "event") + "."
	failed := rapid.Bool().Draw(t, "failed")
	first := p.entry(ref, 2)
	p.field(first, "title", ref)
	p.field("    ", "file", "/etc/"+ref)
	p.WriteString("    line: 7\n    tags:\n    - a\n    failed: " + strconv.FormatBool(failed) + "\n    failed_to_restart: false\n    events:\n")
	p.field("    - ", "message", message)
	p.WriteString("      status: failure\n")
	if failed {
		want.Failures = append(want.Failures, api.Failure{
			Resource: cut(ref, maxName), File: cut("/etc/"+ref, maxName), Line: 7, Message: cut(message, maxMessage),
		})
	}
}
