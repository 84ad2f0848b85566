package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
)

const samples = "../testdata/samples"

func readFile(t testing.TB, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustRead(t testing.TB, path ...string) *Report {
	t.Helper()
	r, err := Read(bytes.NewReader(readFile(t, path...)))
	if err != nil {
		t.Fatalf("%s: %v", filepath.Join(path...), err)
	}
	return r
}

// reportFiles are all the reports there are: samples and fixtures.
func reportFiles(t testing.TB) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{samples + "/*/last_run_report.yaml", "testdata/*.yaml", "testdata/*.json"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		for _, f := range found {
			if !strings.Contains(f, "summary") {
				files = append(files, f)
			}
		}
	}
	return files
}

func TestReadSamples(t *testing.T) {
	type facts struct {
		Status        string
		Completed     bool
		ConfigVersion string
		Cached        string
		Errors        int
		Failures      int
		NoopEvents    int
		Corrective    bool
	}
	want := map[string]facts{
		"cert_revoked":          {"failed", false, "", "not_used", 6, 0, 0, false},
		"changed":               {"changed", true, "1795395789", "not_used", 0, 0, 0, false},
		"compile_error":         {"failed", false, "", "not_used", 2, 0, 0, false},
		"corrective":            {"changed", true, "1795395814", "not_used", 0, 0, 0, true},
		"failed":                {"failed", true, "1795395793", "not_used", 2, 1, 0, false},
		"failed_and_changed":    {"failed", true, "1795395799", "not_used", 2, 1, 0, false},
		"failed_no_detailed":    {"failed", true, "1795395796", "not_used", 2, 1, 0, true},
		"lock_empty":            {"unchanged", true, "1795395877", "not_used", 0, 0, 0, false},
		"lock_garbage":          {"unchanged", true, "1795395872", "not_used", 0, 0, 0, false},
		"lock_held_waitforlock": {"unchanged", true, "1795395910", "not_used", 0, 0, 0, false},
		"lock_stale_deadpid":    {"unchanged", true, "1795395865", "not_used", 0, 0, 0, false},
		"missing_class":         {"failed", false, "", "not_used", 2, 0, 0, false},
		"noop_pending":          {"unchanged", true, "1795395807", "not_used", 0, 0, 2, false},
		"report_server_down":    {"unchanged", true, "1795395849", "not_used", 0, 0, 0, false},
		"runtimeout":            {"failed", false, "1795395925", "not_used", 1, 0, 0, false},
		"server_unknown_host":   {"failed", false, "", "not_used", 5, 0, 0, false},
		"server_unreachable":    {"failed", false, "", "not_used", 4, 0, 0, false},
		"sig_term_exec":         {"failed", false, "1795395999", "not_used", 0, 0, 0, false},
		"sig_term_facts":        {"failed", false, "", "not_used", 0, 0, 0, false},
		"sig_term_group_exec":   {"failed", false, "1795396023", "not_used", 0, 0, 0, false},
		"sig_term_twice_exec":   {"failed", false, "1795396019", "not_used", 0, 0, 0, false},
		"splay":                 {"unchanged", true, "1795396516", "not_used", 0, 0, 0, false},
		"unchanged":             {"unchanged", true, "1795397917", "not_used", 0, 0, 0, false},
		"usecache_then_test":    {"failed", false, "", "not_used", 2, 0, 0, false},
		"usecacheonfailure":     {"unchanged", true, "1795395820", "on_failure", 1, 0, 0, false},
	}
	got := map[string]facts{}
	files, err := filepath.Glob(samples + "/*/last_run_report.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		r := mustRead(t, file)
		if r.Format != 12 || r.PuppetVersion != "7.23.0" || r.TransactionCompleted == nil || r.Time.IsZero() || r.Environment != "production" {
			t.Errorf("%s: unlikely header %+v", file, r)
			continue
		}
		got[filepath.Base(filepath.Dir(file))] = facts{
			r.Status, *r.TransactionCompleted, r.ConfigVersion, r.CachedCatalogStatus,
			len(r.Errors), len(r.Failures), r.NoopEvents, r.CorrectiveChange,
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestReadFailedSample looks at every fact of one report.
func TestReadFailedSample(t *testing.T) {
	const (
		manifest = "/var/tmp/puppet-lab/server/code/environments/production/manifests/site.pp"
		ref      = `Exec[/bin/sh -c "echo boom >&2; exit 3"]`
		returned = `'/bin/sh -c "echo boom >&2; exit 3"' returned 3 instead of one of [0]`
		failed   = `change from 'notrun' to ['0'] failed: ` + returned
	)
	want := &Report{
		Host:                 "web01.auto.test",
		Time:                 time.Date(2026, 11, 23, 1, 3, 11, 339893211, time.UTC),
		ConfigVersion:        "1795395793",
		TransactionUUID:      "d5d6bab5-d106-4228-8a21-476b528836ce",
		PuppetVersion:        "7.23.0",
		Status:               "failed",
		Environment:          "production",
		Format:               12,
		TransactionCompleted: new(true),
		CatalogUUID:          "94daf9fd-458a-4c2f-886d-52e10e6a46d1",
		CachedCatalogStatus:  "not_used",
		Metrics: map[string]map[string]float64{
			"resources": {
				"total": 8, "skipped": 0, "failed": 1, "failed_to_restart": 0, "restarted": 0,
				"changed": 0, "out_of_sync": 1, "scheduled": 0, "corrective_change": 0,
			},
			"time": {
				"exec": 0.01938157, "schedule": 0.000256732, "filebucket": 3.7366e-05, "startup_time": 0.640751402,
				"plugin_sync": 0.14582034999989446, "fact_generation": 0.9615255590001652,
				"convert_catalog": 0.01913152900010573, "config_retrieval": 0.22482070600017323,
				"transaction_evaluation": 0.031785948000106146, "catalog_application": 0.04305916700013768, "total": 2.253674646,
			},
			"changes": {"total": 0},
			"events":  {"total": 1, "failure": 1, "success": 0},
		},
		Errors: []LogLine{
			{Level: "err", Message: returned, Source: "Puppet"},
			{Level: "err", Message: failed, Source: "/Stage[main]/Main/Node[default]/" + ref + "/returns", File: manifest, Line: 10},
		},
		Failures: []api.Failure{{Resource: ref, File: manifest, Line: 10, Message: failed}},
	}
	if diff := cmp.Diff(want, mustRead(t, samples, "failed/last_run_report.yaml")); diff != "" {
		t.Error(diff)
	}
}

func TestReadFormats(t *testing.T) {
	started := time.Date(2026, 11, 23, 1, 3, 11, 339893211, time.UTC)
	type facts struct {
		Format, Errors, Failures    int
		Puppet, Version, Status     string
		Completed                   *bool
		Noop, Pending, Corrective   bool
		Job, Code, Cached, Server   string
		Started                     time.Time
		NoopEvents, ResourcesFailed int
	}
	for file, want := range map[string]facts{
		"format4_puppet3.yaml": { // inner tags, symbols, bare timestamps, the header last
			Format: 4, Puppet: "3.8.7", Version: "1425445560", Status: "failed", Errors: 1, Failures: 1,
			Started: time.Date(2015, 3, 4, 5, 6, 7, 123456789, time.UTC), NoopEvents: 3, ResourcesFailed: 1,
		},
		"format7_puppet5.yaml":  {Format: 7, Puppet: "5.0.1", Version: "1795395793", Status: "unchanged", Cached: "not_used", Started: started},
		"format10_puppet6.yaml": {Format: 10, Puppet: "6.18.0", Version: "5e10", Status: "changed", Completed: new(true), Cached: "not_used", Server: "puppet.example.com:8140", Started: started},
		"format11_puppet6.yaml": {
			Format: 11, Puppet: "6.28.0", Version: "12e4567", Status: "failed", Completed: new(false), Errors: 1,
			Job: "42", Code: "urn:code:1", Cached: "on_failure", Server: "puppet.example.com:8140", Started: started,
		},
		"format12_openvox8.yaml": {
			Format: 12, Puppet: "8.10.0", Version: "1795395793", Status: "unchanged", Completed: new(true), Noop: true, Pending: true, Corrective: true,
			Job: "019ab0b2-0000-7000-8000-000000000001", Cached: "not_used", Server: "ca.example.com:8140", Started: started, NoopEvents: 2,
		},
		"pretty.json": { // the same report
			Format: 12, Puppet: "8.10.0", Version: "1795395793", Status: "unchanged", Completed: new(true), Noop: true, Pending: true, Corrective: true,
			Job: "019ab0b2-0000-7000-8000-000000000001", Cached: "not_used", Server: "ca.example.com:8140", Started: started, NoopEvents: 2,
		},
		"flow.yaml": {
			Format: 12, Puppet: "8.10.0", Version: "5e10", Status: "failed", Completed: new(true), Errors: 1, Failures: 1,
			Cached: "explicitly_requested", Started: started, NoopEvents: 2,
		},
		"binary.yaml": {
			Format: 12, Puppet: "7.23.0", Version: "1795395793", Status: "failed", Completed: new(true), Errors: 1, Failures: 1,
			Cached: "not_used", Started: started, ResourcesFailed: 1,
		},
		"puppet7_apply.yaml": { // written by Puppet itself
			Format: 12, Puppet: "7.23.0", Version: "1795403704", Status: "failed", Completed: new(true), Errors: 8, Failures: 4, Pending: true,
			Cached: "not_used", Started: time.Date(2026, 11, 23, 3, 15, 4, 999744021, time.UTC), NoopEvents: 1, ResourcesFailed: 4,
		},
	} {
		r := mustRead(t, "testdata", file)
		failed, _ := r.Metric("resources", "failed")
		got := facts{
			Format: r.Format, Errors: len(r.Errors), Failures: len(r.Failures), Puppet: r.PuppetVersion, Version: r.ConfigVersion, Status: r.Status,
			Completed: r.TransactionCompleted, Noop: r.Noop, Pending: r.NoopPending, Corrective: r.CorrectiveChange,
			Job: r.JobID, Code: r.CodeID, Cached: r.CachedCatalogStatus, Server: r.ServerUsed, Started: r.Time.UTC(),
			NoopEvents: r.NoopEvents, ResourcesFailed: int(failed),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", file, diff)
		}
	}
}

func TestReadOldObjects(t *testing.T) {
	r := mustRead(t, "testdata/format4_puppet3.yaml")
	wantErrors := []LogLine{{
		Level: "err", Message: "change from absent to present failed: no\nlevel: :info",
		Source: "/Stage[main]//File[/b]/ensure", File: "/etc/puppet/site.pp", Line: 9,
	}}
	wantFailures := []api.Failure{{Resource: "File[/b]", File: "/etc/puppet/site.pp", Line: 9, Message: "no luck"}}
	if diff := cmp.Diff(wantErrors, r.Errors) + cmp.Diff(wantFailures, r.Failures); diff != "" {
		t.Error(diff)
	}
}

// TestReadTrickyTexts reads keys and messages that look like other parts of a
// report, as Psych and as JSON write them.
func TestReadTrickyTexts(t *testing.T) {
	const manifest = "/etc/puppetlabs/code/environments/production/manifests/site.pp"
	const multi = "Exec[/bin/sh -c '\n  for i in 1 2; do\n- failed: false\nkey: |\n  done']"
	const log = "change from 'notrun' to ['0'] failed:\n  level: info\nhost: other\n\n---\n...\n"
	wantFailures := []api.Failure{
		{Resource: `Exec[/bin/sh -c "` + strings.Repeat("echo word; ", 20) + `"]`, File: manifest, Line: 3, Message: "first\nsecond\nhost: evil\n"},
		{Resource: multi, File: manifest, Line: 12, Message: log},
		{Resource: "File[/tmp/naïve \U0001F600\u2028\tfile]", File: manifest, Line: 3, Message: "☃ not restarted"},
		{Resource: "File[- item]", File: manifest, Line: 3},
		{Resource: "File[? key]", File: manifest, Line: 3},
		{Resource: "File[#c: {}]", File: manifest, Line: 3},
		{Resource: "Exec[" + strings.Repeat("x", 507), File: manifest, Line: 3},
	}
	wantErrors := []LogLine{
		{Level: "err", Message: log, Source: "/Stage[main]/Main/" + multi + "/returns"},
		{Level: "crit", Message: `it's "all" over: ` + strings.Repeat("x", 2048-17), Source: "Puppet", File: "/etc/" + strings.Repeat("d", 507), Line: 7},
		{Level: "alert", Message: "  leading spaces\nlevel: notice", Source: "Puppet"},
		{Level: "emerg", Message: "\n\nfailed: true", Source: "Puppet"},
	}
	for _, file := range []string{"tricky_keys.yaml", "report.json"} {
		r := mustRead(t, "testdata", file)
		if diff := cmp.Diff(wantFailures, r.Failures) + cmp.Diff(wantErrors, r.Errors); diff != "" {
			t.Errorf("%s:\n%s", file, diff)
		}
	}
}

// TestReadAliases reads entries that refer to lists in other entries, in Psych's
// layout and in another one.
func TestReadAliases(t *testing.T) {
	const log = "2 *1 3 *nothing"
	want := []api.Failure{{Resource: "File[/b]", File: "/etc/puppetlabs/code/environments/production/manifests/site.pp", Line: 3, Message: log}}
	for _, file := range []string{"aliases.yaml", "indented.yaml"} {
		r := mustRead(t, "testdata", file)
		if diff := cmp.Diff(want, r.Failures); diff != "" {
			t.Errorf("%s:\n%s", file, diff)
		}
		if len(r.Errors) != 1 || r.Errors[0].Message != log {
			t.Errorf("%s: errors %+v", file, r.Errors)
		}
	}
}

func TestReadBinary(t *testing.T) {
	r := mustRead(t, "testdata/binary.yaml")
	if got := r.Errors[0].Message; got != "Could not set '\uFFFD' on ensure" {
		t.Errorf("message %q", got)
	}
	if got := r.Failures[0]; got.Resource != "File[/\uFFFD]" || !strings.HasPrefix(got.Message, "café \uFFFDbinary binary") {
		t.Errorf("failure %+v", got)
	}
}

// TestReadFindsTheLevelAnywhere: nothing promises that the level comes first.
func TestReadFindsTheLevelAnywhere(t *testing.T) {
	item := "- message: |-\n    level: info\n  level: !ruby/sym err\n"
	r, err := Read(strings.NewReader(made("logs:\n"+item, "resource_statuses: {}\n")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]LogLine{{Level: "err", Message: "level: info"}}, r.Errors); diff != "" {
		t.Error(diff)
	}
}

func TestReadCountsWhatItCuts(t *testing.T) {
	var logs, resources strings.Builder
	for i := range 120 {
		fmt.Fprintf(&logs, "- level: err\n  message: number %d\n", i)
		fmt.Fprintf(&resources, "  File[/%d]:\n    failed: true\n", i)
	}
	r, err := Read(strings.NewReader(made("logs:\n"+logs.String(), "resource_statuses:\n"+resources.String())))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Errors) != 50 || r.ErrorsCut != 70 || r.Errors[49].Message != "number 49" {
		t.Errorf("%d errors and %d cut", len(r.Errors), r.ErrorsCut)
	}
	if len(r.Failures) != 50 || r.FailuresCut != 70 || r.Failures[49].Resource != "File[/49]" {
		t.Errorf("%d failures and %d cut", len(r.Failures), r.FailuresCut)
	}
}

// made is a small report with these sections.
func made(sections ...string) string {
	return "--- !ruby/object:Puppet::Transaction::Report\nhost: a\ntime: '2026-11-23T01:03:11.339893211+00:00'\nstatus: failed\nreport_format: 12\n" +
		"metrics: {}\n" + strings.Join(sections, "") + "corrective_change: false\n"
}

func TestReadSmallVariations(t *testing.T) {
	const logs, resources = "logs: []\n", "resource_statuses: {}\n"
	for name, text := range map[string]string{
		"CRLF":            strings.ReplaceAll(made(logs, resources), "\n", "\r\n"),
		"no marker":       strings.TrimPrefix(made(logs, resources), "--- !ruby/object:Puppet::Transaction::Report\n"),
		"bare marker":     strings.Replace(made(logs, resources), " !ruby/object:Puppet::Transaction::Report", "", 1),
		"null sections":   made("logs:\n", "resource_statuses:\n"),
		"null resource":   made(logs, "resource_statuses:\n  File[/a]:\n  File[/b]: {}\n"),
		"unknown keys":    made(logs, "future_key:\n- {failed: true}\n- 'x'\n", resources),
		"empty lines":     made("logs:\n- level: info\n\n  message: x\n\n", resources),
		"flow sections":   made("logs: [{level: info}]\n", "resource_statuses: {a: {failed: false}}\n"),
		"tagged sections": made("logs: &1 !ruby/array:Array\n- level: info\n", "resource_statuses: !ruby/hash:Hash\n  a:\n    failed: false\n"),
		"a short read":    made(logs, resources),
	} {
		r, err := Read(iotest.OneByteReader(strings.NewReader(text)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.Status != "failed" || len(r.Errors)+len(r.Failures) != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	const logs, resources = "logs: []\n", "resource_statuses: {}\n"
	long := strings.Repeat("x", maxChunk)
	for name, test := range map[string]struct{ text, want string }{
		"nothing":                {"", "empty"},
		"space":                  {" \n\n ", "empty"},
		"a marker only":          {"---\n", "not a report"},
		"no mapping":             {"- a\n- b\n", "no keys"},
		"no YAML":                {"{host: [", "yaml:"},
		"binary":                 {"\x00\x01\x02", "yaml:"},
		"a bad time":             {strings.Replace(made(logs, resources), "2026-11-23T", "yesterday ", 1), `time at line 3: "yesterday 01:03:11.339893211+00:00" is not a time`},
		"a bad format":           {strings.Replace(made(logs, resources), "format: 12", "format: new", 1), "report_format at line 5: "},
		"no status":              {strings.Replace(made(logs, resources), "status: failed", "status:", 1), "no host or no status"},
		"a text at column 0":     {made(logs, "oh dear\n", resources), "line 8: no key"},
		"a second document":      {made(logs, resources) + "---\nhost: b\n", "line 10: no key"},
		"a long header":          {made("host: "+long+"\n", logs, resources), "host at line 7: longer than 1024 KiB"},
		"a long error":           {made("logs:\n- level: err\n  message: "+long+"\n", resources), "logs at line 8: longer than 1024 KiB"},
		"a long failed resource": {made(logs, "resource_statuses:\n  a:\n    failed: true\n    title: "+long+"\n"), "resource_statuses at line 9: longer than 1024 KiB"},
		"a long title first":     {made(logs, "resource_statuses:\n  a:\n    title: "+long+"\n    failed: false\n"), "longer than 1024 KiB"},
		"much JSON":              {`{"host": "` + strings.Repeat("x", maxWhole) + `"}`, "longer than 4 MiB"},
	} {
		r, err := Read(strings.NewReader(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) || r != nil {
			t.Errorf("%s: got %v, %v; want an error with %q", name, r, err, test.want)
		}
	}
}

// TestReadPassesOverLongEntries: a diff of any size in the log does no harm.
func TestReadPassesOverLongEntries(t *testing.T) {
	diff := strings.Repeat("    -some line of a file\n", 3*maxChunk/20) + "    " + strings.Repeat("x", 2*maxChunk) + "\n"
	text := made("logs:\n- level: notice\n  message: |\n"+diff+"- level: err\n  message: after\n",
		"resource_statuses:\n  File[/a]:\n    failed: false\n    failed_to_restart: false\n    events:\n    - message: |\n    "+diff+"  File[/b]:\n    failed: true\n")
	r, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Errors) != 1 || len(r.Failures) != 1 || r.Failures[0].Resource != "File[/b]" {
		t.Errorf("%+v, %+v", r.Errors, r.Failures)
	}
}

func TestReadPassesErrorsOn(t *testing.T) {
	broken := errors.New("input/output error")
	text := made("logs: []\n", "resource_statuses: {}\n")
	for _, n := range []int{0, 3, 100, len(text)} {
		_, err := Read(io.MultiReader(strings.NewReader(text[:n]), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

// TestReadRefusesEveryBeginning cuts reports at each line's end and in its middle. Only after the last key that is always there may it go unnoticed, and
// only between lines.
func TestReadRefusesEveryBeginning(t *testing.T) {
	for _, file := range []string{
		samples + "/failed/last_run_report.yaml", samples + "/compile_error/last_run_report.yaml", "testdata/format4_puppet3.yaml",
		"testdata/format7_puppet5.yaml", "testdata/aliases.yaml", "testdata/binary.yaml", "testdata/pretty.json", "testdata/flow.yaml",
	} {
		b := readFile(t, file)
		last := bytes.LastIndex(b, []byte("\ncorrective_change:"))
		if last < 0 {
			last = bytes.LastIndex(bytes.TrimSpace(b), []byte("\n"))
		}
		end := 0
		for line := range bytes.Lines(b) {
			for _, n := range []int{end + len(line)/2, end + len(line) - 1, end + len(line)} {
				if n > last && (n >= len(b)-1 || b[n-1] == '\n') {
					continue
				}
				if _, err := Read(bytes.NewReader(b[:n])); err == nil {
					t.Fatalf("%s: the first %d of %d bytes were taken for a report", file, n, len(b))
				}
			}
			end += len(line)
		}
	}
}

func TestCut(t *testing.T) {
	for _, s := range []string{"", "abc", "äöü", "a\U0001F600b", "\xff\xfe\xfd", strings.Repeat("é", 50), "a\xe2\x98"} {
		for n := range 12 {
			got := cut(s, n)
			if len(got) > n || !utf8.ValidString(got) || !strings.HasPrefix(strings.ToValidUTF8(s, "\uFFFD"), got) {
				t.Errorf("cut(%q, %d) = %q", s, n, got)
			}
		}
	}
}
