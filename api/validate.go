package api

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of a Run. Whoever makes a Run calls Bound before writing it; whoever
// receives one calls Validate.
const (
	MaxFailures       = 50
	MaxFailureBytes   = 2 << 10 // of one failure, all its fields together
	MaxWarnings       = 20
	MaxMessageBytes   = 1 << 10 // of the message and of each warning
	MaxNameBytes      = 512     // of every name, version, uuid and the like
	MaxTimings        = 200
	MaxLeftRunning    = 50
	MaxLogBytes       = 1 << 20
	maxCommandBytes   = 256
	maxDisableReason  = MaxMessageBytes
	truncationEllipse = "…"
)

// Bound cuts every field to its limit, counting the failures that it drops, makes
// every text valid UTF-8 that any database can store and any terminal can show, and
// leaves out what JSON cannot say. What is missing it does not invent: a Run that
// has its required fields passes Validate afterwards.
func (r *Run) Bound() {
	for _, f := range r.texts() {
		*f.text = cut(*f.text, f.most)
	}
	r.Message = strings.Join(strings.FieldsFunc(r.Message, isLineEnd), " ")
	r.Warnings = r.Warnings[:min(len(r.Warnings), MaxWarnings)]
	for i := range r.Warnings {
		r.Warnings[i] = cut(r.Warnings[i], MaxMessageBytes)
	}
	if n := len(r.Failures) - MaxFailures; n > 0 {
		r.Failures = r.Failures[:MaxFailures]
		r.FailuresCut += n
	}
	for i := range r.Failures {
		r.Failures[i].bound()
	}
	r.boundTimings()
	r.LeftRunning = r.LeftRunning[:min(len(r.LeftRunning), MaxLeftRunning)]
	for i := range r.LeftRunning {
		r.LeftRunning[i].Command = cut(r.LeftRunning[i].Command, maxCommandBytes)
	}
	for _, f := range r.times() {
		if *f.time != nil && !storable(**f.time) {
			*f.time = nil
		}
	}
	for _, n := range r.numbers() {
		if !finite(*n) {
			*n = 0
		}
	}
	if r.Schedule != nil && r.Schedule.OffsetS != nil && !finite(*r.Schedule.OffsetS) {
		r.Schedule.OffsetS = nil
	}
	if s := r.Schedule; s != nil && s.UTCOffsetS != nil && !isZone(*s.UTCOffsetS) {
		s.UTCOffsetS = nil
	}
	if r.Outcome == Skipped {
		r.ExitCode = nil
	}
	r.Log = tail(r.Log, MaxLogBytes)
}

// isZone reports whether a time zone may be so many seconds from UTC: those in use have 14 hours.
func isZone(seconds int) bool { return seconds >= -86400 && seconds <= 86400 }

func (f *Failure) bound() {
	f.Resource = cut(f.Resource, MaxNameBytes)
	f.File = cut(f.File, MaxNameBytes)
	f.Message = cut(f.Message, MaxFailureBytes-len(f.Resource)-len(f.File))
}

// boundTimings keeps the longest ones.
func (r *Run) boundTimings() {
	maps.DeleteFunc(r.TimingsS, func(name string, s float64) bool {
		return len(name) > MaxNameBytes || clean(name) != name || !finite(s)
	})
	if len(r.TimingsS) <= MaxTimings {
		return
	}
	names := slices.SortedFunc(maps.Keys(r.TimingsS), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.TimingsS[b], r.TimingsS[a]), cmp.Compare(a, b))
	})
	for _, name := range names[MaxTimings:] {
		delete(r.TimingsS, name)
	}
}

// A textField is a text of a Run that stands alone, under its JSON name.
type textField struct {
	name string
	text *string
	most int
}

// texts are all texts but those in lists, whose counts have limits as well, and
// the log, of which the end counts.
func (r *Run) texts() []textField {
	fields := []textField{
		{"id", &r.ID, MaxNameBytes},
		{"certname", &r.Certname, MaxNameBytes},
		{"trigger", (*string)(&r.Trigger), MaxNameBytes},
		{"order_id", &r.OrderID, MaxNameBytes},
		{"outcome", (*string)(&r.Outcome), MaxNameBytes},
		{"reason", (*string)(&r.Reason), MaxNameBytes},
		{"message", &r.Message, MaxMessageBytes},
		{"signal", &r.Signal, MaxNameBytes},
		{"environment", &r.Environment, MaxNameBytes},
		{"environment_requested", &r.EnvironmentRequested, MaxNameBytes},
		{"config_version", &r.ConfigVersion, MaxNameBytes},
		{"puppet_version", &r.PuppetVersion, MaxNameBytes},
		{"agent_version", &r.AgentVersion, MaxNameBytes},
		{"transaction_uuid", &r.TransactionUUID, MaxNameBytes},
	}
	if c := r.Catalog; c != nil {
		fields = append(fields,
			textField{"catalog.uuid", &c.UUID, MaxNameBytes},
			textField{"catalog.source", (*string)(&c.Source), MaxNameBytes})
	}
	if d := r.Disabled; d != nil {
		fields = append(fields,
			textField{"disabled.by", &d.By, MaxNameBytes},
			textField{"disabled.reason", &d.Reason, maxDisableReason})
	}
	return fields
}

type timeField struct {
	name string
	time **time.Time
}

func (r *Run) times() []timeField {
	fields := []timeField{{"due", &r.Due}, {"started", &r.Started}, {"ended", &r.Ended}}
	if r.Schedule != nil {
		fields = append(fields, timeField{"schedule.next_due", &r.Schedule.NextDue})
	}
	if d := r.Disabled; d != nil {
		fields = append(fields, timeField{"disabled.since", &d.Since}, timeField{"disabled.until", &d.Until})
	}
	return fields
}

func (r *Run) numbers() []*float64 {
	var n []*float64
	if u := r.Usage; u != nil {
		n = append(n, &u.WallS, &u.CPUS)
	}
	if s := r.Schedule; s != nil {
		n = append(n, &s.IntervalS, &s.TimeoutS)
	}
	return n
}

// Validate says what is wrong with a Run that came from elsewhere: all of it, one
// error a line, each with the field's JSON name. It accepts outcomes, reasons and
// triggers that it does not know.
func (r *Run) Validate() error {
	c := new(complaints)
	if r.Schema < 1 {
		c.add("schema", "%d is not a schema; the first one is 1", r.Schema)
	}
	if !ValidID(r.ID) {
		c.add("id", "%q is not a UUID in lower case", cut(r.ID, 80))
	}
	if r.Certname == "" {
		c.add("certname", "is missing")
	}
	if r.Trigger == "" {
		c.add("trigger", "is missing")
	}
	if r.Ended != nil && r.Outcome == "" {
		c.add("outcome", "is missing although the run has ended")
	}
	if r.Outcome == Skipped && r.ExitCode != nil {
		c.add("exit_code", "a skipped run has none")
	}
	for _, f := range r.times() {
		if *f.time != nil && !storable(**f.time) {
			c.add(f.name, "the year %d is out of range", (*f.time).Year())
		}
	}
	for _, f := range r.texts() {
		c.text(f.name, *f.text, f.most)
	}
	if s := r.Schedule; s != nil && s.UTCOffsetS != nil && !isZone(*s.UTCOffsetS) {
		c.add("schedule.utc_offset_s", "%d is no time zone's: it must be from -86400 to 86400", *s.UTCOffsetS)
	}
	r.validateLists(c)
	c.text("log", r.Log, MaxLogBytes)
	return errors.Join(c.errs...)
}

// validateLists looks at no more entries than there may be: a list that is too
// long is one complaint, not thousands.
func (r *Run) validateLists(c *complaints) {
	c.count("warnings", len(r.Warnings), MaxWarnings)
	for i, w := range r.Warnings[:min(len(r.Warnings), MaxWarnings)] {
		c.text(fmt.Sprintf("warnings[%d]", i), w, MaxMessageBytes)
	}
	c.count("failures", len(r.Failures), MaxFailures)
	for i, f := range r.Failures[:min(len(r.Failures), MaxFailures)] {
		name := fmt.Sprintf("failures[%d]", i)
		for _, text := range []string{f.Resource, f.File, f.Message} {
			c.valid(name, text)
		}
		c.size(name, len(f.Resource)+len(f.File)+len(f.Message), MaxFailureBytes)
	}
	c.count("left_running", len(r.LeftRunning), MaxLeftRunning)
	for i, p := range r.LeftRunning[:min(len(r.LeftRunning), MaxLeftRunning)] {
		c.text(fmt.Sprintf("left_running[%d]", i), p.Command, maxCommandBytes)
	}
	c.count("timings_s", len(r.TimingsS), MaxTimings)
	if len(r.TimingsS) <= MaxTimings {
		r.validateTimings(c)
	}
}

// validateTimings puts only those names in order that are wrong: a collector has no time
// for the others.
func (r *Run) validateTimings(c *complaints) {
	var wrong []string
	for name := range r.TimingsS {
		if !isText(name) || len(name) > MaxNameBytes {
			wrong = append(wrong, name)
		}
	}
	slices.Sort(wrong)
	for _, name := range wrong {
		c.text("timings_s", name, MaxNameBytes)
	}
}

// complaints are what Validate finds wrong.
type complaints struct{ errs []error }

func (c *complaints) add(field, format string, a ...any) {
	c.errs = append(c.errs, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, a...)))
}

func (c *complaints) text(field, s string, most int) {
	c.valid(field, s)
	c.size(field, len(s), most)
}

func (c *complaints) valid(field, s string) {
	if !isText(s) {
		c.add(field, "is not text: it holds NUL or invalid UTF-8")
	}
}

func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func (c *complaints) size(field string, n, most int) {
	if n > most {
		c.add(field, "%d bytes are over the limit of %d", n, most)
	}
}

func (c *complaints) count(field string, n, most int) {
	if n > most {
		c.add(field, "%d entries are over the limit of %d", n, most)
	}
}

// storable reports whether JSON and any database can hold t.
func storable(t time.Time) bool {
	_, offset := t.Zone()
	const day = 24 * 60 * 60
	return t.Year() >= 1970 && t.Year() <= 9999 && -day < offset && offset < day
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// cut makes s valid and at most n bytes long, on a character's border.
func cut(s string, n int) string {
	s = clean(s)
	if len(s) <= n {
		return s
	}
	n -= len(truncationEllipse)
	if n <= 0 {
		return ""
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + truncationEllipse
}

// tail keeps the end of s, at most n bytes: the end of a log says why it ended.
func tail(s string, n int) string {
	s = clean(s)
	from := max(0, len(s)-n)
	for from < len(s) && !utf8.RuneStart(s[from]) {
		from++
	}
	return s[from:]
}

// clean replaces what a JSON reader, a database or a terminal may choke on. What
// is left grows no more than twofold in JSON.
func clean(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\t' && c != '\n' && c != '\r' {
			return utf8.RuneError
		}
		return c // of an invalid byte, Map makes U+FFFD
	}, s)
}

func isLineEnd(c rune) bool { return c == '\n' || c == '\r' }

// ValidID reports whether s may be the id of a run. An id names files and is an
// argument of Puppet, so nothing but a UUID in its canonical form and in lower
// case will do.
func ValidID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}
