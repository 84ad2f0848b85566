//go:build !windows

package fakepuppet

import (
	"fmt"
	"strings"
	"time"
)

// outcome is what a run leaves behind.
type outcome struct {
	exit      int
	silent    bool // writes nothing
	completed bool
	status    string
	catalog   string // cached_catalog_status
	changed   int
	failed    int
	errors    []string
}

var outcomes = map[string]outcome{
	"unchanged":     {completed: true, status: "unchanged", catalog: "not_used"},
	"changed":       {exit: 2, completed: true, status: "changed", catalog: "not_used", changed: 3},
	"failed":        {exit: 4, completed: true, status: "failed", catalog: "not_used", failed: 1},
	"failed_and":    {exit: 6, completed: true, status: "failed", catalog: "not_used", failed: 1, changed: 1},
	"stale":         {completed: true, status: "unchanged", catalog: "on_failure", errors: []string{"Error 500 on SERVER: Evaluation Error: no"}},
	"compile_error": {exit: 1, status: "failed", catalog: "not_used", errors: []string{"Error 500 on SERVER: Evaluation Error: secret-text"}},
	"interrupted":   {status: "failed", catalog: "not_used"},
	"silent":        {exit: 1, silent: true, errors: []string{"something odd"}},
}

// version is a made-up one; 12 is the format of Puppet 7 and 8.
const version = "7.0.0-fake"

func (o outcome) summary(a *agent) []byte {
	var b strings.Builder
	config := ""
	if o.completed {
		config = " 1700000000"
	}
	fmt.Fprintf(&b, "---\nversion:\n  config:%s\n  puppet: %s\n", config, version)
	fmt.Fprint(&b, "application:\n  run_mode: agent\n  initial_environment: production\n  converged_environment: production\n")
	fmt.Fprintf(&b, "resources:\n  changed: %d\n  corrective_change: 0\n  failed: %d\n  failed_to_restart: 0\n", o.changed, o.failed)
	fmt.Fprintf(&b, "  out_of_sync: %d\n  restarted: 0\n  scheduled: 0\n  skipped: 0\n  total: 10\n", o.changed+o.failed)
	fmt.Fprint(&b, "time:\n  plugin_sync: 0.1\n")
	if o.completed {
		fmt.Fprint(&b, "  catalog_application: 0.01\n")
	}
	fmt.Fprintf(&b, "  total: %.3f\n  last_run: %d\n", time.Since(a.started).Seconds(), time.Now().Unix())
	fmt.Fprintf(&b, "changes:\n  total: %d\nevents:\n  failure: %d\n  success: %d\n  total: %d\n", o.changed, o.failed, o.changed, o.changed+o.failed)
	return []byte(b.String())
}

func (o outcome) report(a *agent) []byte {
	var b strings.Builder
	config := ""
	if o.completed {
		config = " 1700000000"
	}
	fmt.Fprintf(&b, "--- !ruby/object:Puppet::Transaction::Report\nhost: %s\ntime: '%s'\n", a.certname(), a.started.Format(time.RFC3339Nano))
	fmt.Fprintf(&b, "configuration_version:%s\ntransaction_uuid: 0a6ad49e-3b21-4be6-8c59-7f2f1d86b5a5\nreport_format: 12\n", config)
	fmt.Fprintf(&b, "puppet_version: %s\nstatus: %s\ntransaction_completed: %v\nnoop: %v\nnoop_pending: false\nenvironment: production\n",
		version, o.status, o.completed, a.noop)
	o.logs(&b)
	fmt.Fprint(&b, "metrics:\n")
	values(&b, "resources", "total", 10, "changed", o.changed, "failed", o.failed, "failed_to_restart", 0, "out_of_sync", o.changed+o.failed)
	times := []any{"plugin_sync", 0.1, "total", time.Since(a.started).Seconds()}
	if o.completed {
		times = append(times, "catalog_application", 0.01)
	}
	values(&b, "time", times...)
	values(&b, "changes", "total", o.changed)
	values(&b, "events", "total", o.changed+o.failed, "failure", o.failed, "success", o.changed)
	o.statuses(&b)
	fmt.Fprintf(&b, "corrective_change: false\n")
	if o.completed {
		fmt.Fprintf(&b, "catalog_uuid: 1e4d40b5-7d70-48d3-a3b4-988635c4d693\n")
	}
	fmt.Fprintf(&b, "cached_catalog_status: %s\n", o.catalog)
	if a.id != "" {
		fmt.Fprintf(&b, "job_id: %s\n", a.id)
	}
	return []byte(b.String())
}

func (o outcome) logs(b *strings.Builder) {
	if len(o.errors) == 0 {
		fmt.Fprint(b, "logs: []\n")
		return
	}
	fmt.Fprint(b, "logs:\n")
	for _, line := range o.errors {
		fmt.Fprintf(b, "- level: err\n  message: %q\n  source: Puppet\n  tags:\n  - err\n  time: '%s'\n  file:\n  line:\n",
			line, time.Now().Format(time.RFC3339Nano))
	}
}

func (o outcome) statuses(b *strings.Builder) {
	if o.failed == 0 {
		fmt.Fprint(b, "resource_statuses: {}\n")
		return
	}
	fmt.Fprint(b, "resource_statuses:\n")
	for i := range o.failed {
		fmt.Fprintf(b, "  File[/fake/%d]:\n    title: \"/fake/%d\"\n    file: \"/fake/site.pp\"\n    line: %d\n    resource: File[/fake/%d]\n", i, i, i+1, i)
		fmt.Fprint(b, "    resource_type: File\n    failed: true\n    failed_to_restart: false\n    changed: false\n    events:\n")
		fmt.Fprint(b, "    - property: ensure\n      message: 'secret-text could not be written'\n      status: failure\n")
	}
}

func values(b *strings.Builder, category string, pairs ...any) {
	fmt.Fprintf(b, "  %s:\n    name: %s\n    label: %s\n    values:\n", category, category, category)
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(b, "    - - %s\n      - %s\n      - %v\n", pairs[i], pairs[i], pairs[i+1])
	}
}
