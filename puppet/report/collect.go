package report

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/puppet-cron/puppet-cron/api"
)

// collector builds a Report from its parts, in whatever order they come: old
// formats have the header last.
type collector struct {
	report *Report
	seen   map[string]bool // top-level keys
	names  map[string]*string
	flags  map[string]*bool
}

func newCollector() *collector {
	r := &Report{Metrics: map[string]map[string]float64{}}
	return &collector{
		report: r,
		seen:   map[string]bool{},
		names: map[string]*string{
			"host":                  &r.Host,
			"configuration_version": &r.ConfigVersion,
			"transaction_uuid":      &r.TransactionUUID,
			"puppet_version":        &r.PuppetVersion,
			"environment":           &r.Environment,
			"job_id":                &r.JobID,
			"catalog_uuid":          &r.CatalogUUID,
			"code_id":               &r.CodeID,
			"cached_catalog_status": &r.CachedCatalogStatus,
			"server_used":           &r.ServerUsed,
			"master_used":           &r.ServerUsed, // its name before Puppet 7
		},
		flags: map[string]*bool{
			"noop":              &r.Noop,
			"noop_pending":      &r.NoopPending,
			"corrective_change": &r.CorrectiveChange,
		},
	}
}

// knows reports whether field does anything with a top-level key.
func (c *collector) knows(key string) bool {
	switch key {
	case "time", "report_format", "status", "transaction_completed", "metrics", keyLogs, keyResources:
		return true
	}
	return c.names[key] != nil || c.flags[key] != nil
}

// field takes a top-level key. Its entries, where the splitter gives them one by
// one, come by log and resource instead.
func (c *collector) field(key string, value *yaml.Node) error {
	c.seen[key] = true
	if name := c.names[key]; name != nil {
		*name = cut(text(value), maxName)
		return nil
	}
	if flag := c.flags[key]; flag != nil {
		*flag = isTrue(value)
		return nil
	}
	var err error
	switch key {
	case "time":
		c.report.Time, err = parseTime(text(value))
	case "report_format":
		c.report.Format, err = strconv.Atoi(text(value))
	case "status":
		c.report.Status = symbol(value)
	case "transaction_completed":
		c.report.TransactionCompleted = new(isTrue(value))
	case "metrics":
		pairs(value, c.metrics)
	case keyLogs:
		for _, item := range items(value) {
			c.log(item)
		}
	case keyResources:
		pairs(value, c.resource)
	}
	return err
}

// parseTime accepts the bare timestamps of old formats as well.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999 Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time", cut(s, 64))
}

// metrics takes one category: its values are [name, label, value].
func (c *collector) metrics(category, metric *yaml.Node) {
	values := map[string]float64{}
	for _, item := range items(fields(metric)["values"]) {
		triple := items(item)
		if len(triple) != 3 {
			continue
		}
		if v, ok := number(triple[2]); ok {
			values[symbol(triple[0])] = v
		}
	}
	c.report.Metrics[symbol(category)] = values
}

// log takes one item of logs and keeps it if it is an error.
func (c *collector) log(item *yaml.Node) {
	f := fields(item)
	level := symbol(f["level"])
	switch level {
	case "err", "alert", "emerg", "crit":
	default:
		return
	}
	r := c.report
	line := LogLine{
		Level:   level,
		Message: cut(text(f["message"]), maxMessage),
		Source:  cut(text(f["source"]), maxMessage), // a path of names, each of which may be long
		File:    cut(text(f["file"]), maxName),
		Line:    integer(f["line"]),
	}
	switch {
	case slices.Contains(r.Errors, line): // some facts fail with the same words twenty times
	case len(r.Errors) == maxErrors:
		r.ErrorsCut++
	default:
		r.Errors = append(r.Errors, line)
	}
}

// resource takes one of resource_statuses and keeps it if it failed.
func (c *collector) resource(ref, status *yaml.Node) {
	f := fields(status)
	if !isTrue(f["failed"]) && !isTrue(f["failed_to_restart"]) {
		return
	}
	r := c.report
	if len(r.Failures) == maxFailures {
		r.FailuresCut++
		return
	}
	r.Failures = append(r.Failures, api.Failure{
		Resource: cut(text(ref), maxName),
		File:     cut(text(f["file"]), maxName),
		Line:     integer(f["line"]),
		Message:  cut(failureMessage(f["events"]), maxMessage),
	})
}

func failureMessage(events *yaml.Node) string {
	var messages []string
	for _, event := range items(events) {
		f := fields(event)
		if m := text(f["message"]); m != "" && symbol(f["status"]) == "failure" {
			messages = append(messages, m)
		}
	}
	return strings.Join(messages, "\n")
}

// finish returns the Report if all of it was there.
func (c *collector) finish() (*Report, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	r := c.report
	for i := range r.Failures {
		if f := &r.Failures[i]; f.Message == "" {
			f.Message = r.errorOf(f.Resource)
		}
	}
	if n, ok := r.Metric("events", "noop"); ok {
		r.NoopEvents = int(n)
	}
	return r, nil
}

// complete tells a report from a part of one. Since format 7 (Puppet 5) the last
// key that is always there is corrective_change; before that status came last or
// the entries did. What may follow corrective_change is there only when set, so
// its loss cannot be seen.
func (c *collector) complete() error {
	required := []string{"host", "time", "report_format", "status", keyLogs, "metrics", keyResources}
	if c.report.Format >= 7 {
		required = append(required, "corrective_change")
	}
	for _, key := range required {
		if !c.seen[key] {
			return fmt.Errorf("the report is not whole: it has no %s", key)
		}
	}
	if c.report.Host == "" || c.report.Status == "" {
		return errors.New("the report has no host or no status")
	}
	return nil
}

// errorOf returns the message of the first error that ref logged: resources that
// fail before they change anything have no event to tell why.
func (r *Report) errorOf(ref string) string {
	for _, line := range r.Errors {
		if ref != "" && strings.Contains(line.Source, ref) {
			return line.Message
		}
	}
	return ""
}
