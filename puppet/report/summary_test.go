package report

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func mustReadSummary(t testing.TB, path ...string) *Summary {
	t.Helper()
	s, err := ReadSummary(bytes.NewReader(readFile(t, path...)))
	if err != nil {
		t.Fatalf("%s: %v", filepath.Join(path...), err)
	}
	return s
}

func summaryFiles(t testing.TB) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{samples + "/*/last_run_summary.yaml", "testdata/*summary*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		files = append(files, found...)
	}
	return files
}

func TestReadSummaryOfFailedSample(t *testing.T) {
	want := &Summary{
		ConfigVersion: "1795395793", PuppetVersion: "7.23.0", RunMode: "agent",
		InitialEnvironment: "production", ConvergedEnvironment: "production",
		Resources: map[string]int{
			"changed": 0, "corrective_change": 0, "failed": 1, "failed_to_restart": 0, "out_of_sync": 1,
			"restarted": 0, "scheduled": 0, "skipped": 0, "total": 8,
		},
		Events: map[string]int{"failure": 1, "success": 0, "total": 1},
		Times: map[string]float64{
			"catalog_application": 0.04305916700013768, "config_retrieval": 0.22482070600017323, "convert_catalog": 0.01913152900010573,
			"exec": 0.01938157, "fact_generation": 0.9615255590001652, "filebucket": 3.7366e-05, "plugin_sync": 0.14582034999989446,
			"schedule": 0.000256732, "startup_time": 0.640751402, "total": 2.253674646, "transaction_evaluation": 0.031785948000106146,
		},
		LastRun: time.Unix(1795395793, 0).UTC(),
	}
	if diff := cmp.Diff(want, mustReadSummary(t, samples, "failed/last_run_summary.yaml")); diff != "" {
		t.Error(diff)
	}
}

// TestReadSummarySamples holds each summary against the report of the same run.
func TestReadSummarySamples(t *testing.T) {
	files, err := filepath.Glob(samples + "/*/last_run_summary.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	for _, file := range files {
		s, r := mustReadSummary(t, file), mustRead(t, filepath.Dir(file), "last_run_report.yaml")
		if s.CatalogApplied() != *r.TransactionCompleted {
			t.Errorf("%s: catalog applied is %v, transaction completed %v", file, s.CatalogApplied(), *r.TransactionCompleted)
		}
		if s.ConfigVersion != r.ConfigVersion || s.PuppetVersion != r.PuppetVersion || s.ConvergedEnvironment != r.Environment {
			t.Errorf("%s: %+v is not of %+v", file, s, r)
		}
		if s.RunMode != "agent" || s.LastRun.Before(r.Time.Truncate(time.Second)) {
			t.Errorf("%s: run mode %q, last run %v of %v", file, s.RunMode, s.LastRun, r.Time)
		}
		counts := map[string]map[string]float64{"resources": floats(s.Resources), "events": floats(s.Events), "changes": {"total": float64(s.Changes)}, "time": s.Times}
		for category, values := range r.Metrics {
			if diff := cmp.Diff(values, counts[category]); diff != "" {
				t.Errorf("%s: %s\n%s", file, category, diff)
			}
		}
	}
}

func floats(m map[string]int) map[string]float64 {
	f := map[string]float64{}
	for k, v := range m {
		f[k] = float64(v)
	}
	return f
}

func TestReadOldSummaryWithoutCatalog(t *testing.T) {
	s := mustReadSummary(t, "testdata/summary_puppet4_no_catalog.yaml")
	want := &Summary{PuppetVersion: "4.10.12", Times: map[string]float64{}, LastRun: time.Unix(1425445567, 0).UTC()}
	if diff := cmp.Diff(want, s); diff != "" || s.CatalogApplied() {
		t.Error(diff, s.CatalogApplied())
	}
}

func TestReadSummaryKeepsTheTextOfVersions(t *testing.T) {
	for written, want := range map[string]string{"5e10": "5e10", "12e4567": "12e4567", "null": "", "": "", "'null'": "null", "017": "017", "main-5": "main-5"} {
		s, err := ReadSummary(strings.NewReader("version:\n  config: " + written + "\ntime: {total: .inf}\n"))
		if err != nil || s.ConfigVersion != want || len(s.Times) != 0 {
			t.Errorf("%s: %+v, %v", written, s, err)
		}
	}
}

func TestReadSummaryRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "empty",
		"# nothing\n":                           "empty",
		"just text\n":                           "no version",
		"- version\n":                           "no version",
		"version: [\n":                          "yaml:",
		"version: {}\n":                         "no time",
		"version: 1\ntime:":                     "breaks off",
		"version: 1\ntime: {}\nresources: {}\n": "no events.total",
		"version: 1\ntime: {}\nresources: {}\nevents:\n  failure: 0\n": "no events.total",
		"version: " + strings.Repeat("x", maxSummary) + "\n":           "longer than 1 MiB",
	} {
		if s, err := ReadSummary(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) || s != nil {
			t.Errorf("%.60q: got %v, %v; want an error with %q", text, s, err, want)
		}
	}
}

func TestReadSummaryRefusesEveryBeginning(t *testing.T) {
	b := readFile(t, samples, "failed_and_changed/last_run_summary.yaml")
	for n := range len(b) {
		if _, err := ReadSummary(bytes.NewReader(b[:n])); err == nil {
			t.Errorf("the first %d of %d bytes were taken for a summary", n, len(b))
		}
	}
}

func TestReadSummaryPassesErrorsOn(t *testing.T) {
	broken := errors.New("input/output error")
	if _, err := ReadSummary(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Error(err)
	}
}
