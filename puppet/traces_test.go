package puppet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// scene is a node between two runs, with the traces of the last one.
type scene struct {
	*testing.T
	s              *Settings
	o              Options
	started, ended time.Time
}

const runID = "0193f0a0-1111-7222-8333-444455556666"

func newScene(t *testing.T) *scene {
	t.Helper()
	sc := &scene{T: t, s: testSettings(t), o: Options{Command: Agent, JobID: runID}}
	sc.started, sc.ended = sampleTimes(t, filepath.Join(sampleDir, "unchanged"))
	write(t, sc.s.Lastrunfile, read(t, sampleDir+"/changed", "last_run_summary.yaml"))
	write(t, sc.s.Lastrunreport, read(t, sampleDir+"/changed", "last_run_report.yaml"))
	long := sc.started.Add(-time.Hour)
	for _, path := range []string{sc.s.Lastrunfile, sc.s.Lastrunreport} {
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	return sc
}

func (sc *scene) marked() *Traces {
	traces := NewTraces(sc.s, sc.o)
	traces.Mark()
	return traces
}

func (sc *scene) summary(replace ...string) {
	text := read(sc, sampleDir+"/unchanged", "last_run_summary.yaml")
	write(sc, sc.s.Lastrunfile, strings.NewReplacer(replace...).Replace(text))
}

func (sc *scene) report(jobID string, replace ...string) {
	text := read(sc, sampleDir+"/unchanged", "last_run_report.yaml")
	if jobID != "" {
		text += "job_id: " + jobID + "\n"
	}
	write(sc, sc.s.Lastrunreport, strings.NewReplacer(replace...).Replace(text))
}

func (sc *scene) catalog(uuid string) {
	write(sc, sc.s.CachedCatalog(), `{"tags":["a"],"name":"web01","version":1,"code_id":null,"catalog_uuid":"`+uuid+`","resources":[]}`)
}

func TestTraces(t *testing.T) {
	const asApply = "run_mode: user"
	for _, c := range []struct {
		name            string
		happens         func(*scene)
		noID            bool
		summary, report bool
		problems        int
	}{
		{"ours", func(sc *scene) { sc.summary(); sc.report(runID) }, false, true, true, 0},
		{"nothing happened", func(*scene) {}, false, false, false, 0},
		{"another's job id", func(sc *scene) { sc.summary(); sc.report("0193f0a0-ffff-7222-8333-444455556666") }, false, false, false, 0},
		{"no job id where one was given", func(sc *scene) { sc.summary(); sc.report("") }, false, false, false, 0},
		{"report = false", func(sc *scene) { sc.summary() }, false, true, false, 0},
		{"report only", func(sc *scene) { sc.report(runID) }, false, false, true, 0},
		{"an apply wrote the summary", func(sc *scene) { sc.summary("run_mode: agent", asApply); sc.report(runID) }, false, false, true, 0},
		{"old Puppet without run_mode", func(sc *scene) { sc.summary("  run_mode: agent\n", ""); sc.report(runID) }, false, true, true, 0},
		{"summary from before", func(sc *scene) { sc.summary("last_run: 17953", "last_run: 17952") }, false, false, false, 0},
		{"summary from later", func(sc *scene) { sc.summary("last_run: 17953", "last_run: 17954") }, false, false, false, 0},
		{"clock of whole seconds", func(sc *scene) { sc.started = sc.started.Add(4 * time.Second); sc.summary() }, false, true, false, 0},
		{"clock stepped, job id", func(sc *scene) { sc.started = sc.started.Add(time.Hour); sc.report(runID) }, false, false, true, 0},
		{"half a report", func(sc *scene) {
			sc.summary()
			write(sc, sc.s.Lastrunreport, "--- !ruby/object:Puppet::Transaction::Report\nhost: x\n")
		}, false, true, false, 1},
		{"half a summary", func(sc *scene) { write(sc, sc.s.Lastrunfile, "---\nversion:\n"); sc.report(runID) }, false, false, true, 1},
		{"a directory for a report", func(sc *scene) { os.Remove(sc.s.Lastrunreport); os.Mkdir(sc.s.Lastrunreport, 0o755) }, false, false, false, 1},
		{"files removed", func(sc *scene) { os.Remove(sc.s.Lastrunreport); os.Remove(sc.s.Lastrunfile) }, false, false, false, 0},

		{"no id: ours", func(sc *scene) { sc.summary(); sc.report("") }, true, true, true, 0},
		{"no id: orchestrator's id", func(sc *scene) { sc.summary(); sc.report("17") }, true, true, true, 0},
		{"no id: another host", func(sc *scene) { sc.summary(); sc.report("", "host: web01.auto.test", "host: db01") }, true, false, false, 0},
		{"no id: earlier", func(sc *scene) { sc.summary(); sc.report("", "time: '2026-11-23T01:38", "time: '2026-11-23T01:37") }, true, false, false, 0},
		{"no id: later", func(sc *scene) { sc.summary(); sc.report("", "time: '2026-11-23T01:38", "time: '2026-11-23T01:39") }, true, false, false, 0},
		{"no id: an apply in the same minute", func(sc *scene) { sc.summary("run_mode: agent", asApply); sc.report("") }, true, false, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := newScene(t)
			if c.noID {
				sc.o.JobID = ""
			}
			traces := sc.marked()
			c.happens(sc)
			f := traces.find(sc.started, sc.ended)
			if (f.summary != nil) != c.summary || (f.report != nil) != c.report || len(f.problems) != c.problems {
				t.Errorf("summary %v, report %v, problems %q", f.summary != nil, f.report != nil, f.problems)
			}
		})
	}
}

func TestTracesOfApply(t *testing.T) {
	sc := newScene(t)
	dir := t.TempDir()
	sc.o = Options{Command: Apply, SummaryFile: filepath.Join(dir, "summary.yaml"), ReportFile: filepath.Join(dir, "report.yaml")}
	traces := sc.marked()
	sc.summary()
	sc.report("")
	if f := traces.find(sc.started, sc.ended); f.summary != nil || f.report != nil {
		t.Error("the agent's files are taken for an apply's")
	}
	write(t, sc.o.SummaryFile, read(t, "report/testdata", "puppet7_apply_summary.yaml"))
	write(t, sc.o.ReportFile, read(t, "report/testdata", "puppet7_apply.yaml"))
	if f := traces.find(sc.started, sc.ended); f.summary == nil || f.report == nil {
		t.Errorf("its own files are not found: %q", f.problems)
	}
}

func TestTracesOfAnAdoptedRun(t *testing.T) {
	sc := newScene(t)
	traces := NewTraces(sc.s, sc.o) // nobody could mark
	if f := traces.find(sc.started, sc.ended); f.summary != nil || f.report != nil || f.freshCatalog {
		t.Error("traces of an earlier run")
	}
	sc.summary()
	sc.report(runID)
	sc.catalog("0bd5c0c4-5531-471a-8cfb-1f173fa87137")
	f := traces.find(sc.started, sc.ended)
	if f.summary == nil || f.report == nil {
		t.Errorf("not found: %q", f.problems)
	}
	if f.freshCatalog {
		t.Error("nobody knows which catalog was there before")
	}
	sc.report("")
	if f := traces.find(sc.started, sc.ended); f.summary != nil || f.report != nil {
		t.Error("the next run's traces are taken for its")
	}
}

// Puppet writes its cached catalog anew after falling back on it, as the sample
// usecacheonfailure shows ("Caching catalog" below "Using cached catalog"): only
// another id is another catalog.
func TestFreshCatalog(t *testing.T) {
	const one, two = "0bd5c0c4-5531-471a-8cfb-1f173fa87137", "c75a2189-4e88-4ad2-bd19-b0f10b440faa"
	for _, c := range []struct {
		name   string
		before func(*scene)
		after  func(*scene)
		want   bool
	}{
		{"another one", func(sc *scene) { sc.catalog(one) }, func(sc *scene) { sc.catalog(two) }, true},
		{"the first one", func(*scene) {}, func(sc *scene) { sc.catalog(one) }, true},
		{"none", func(*scene) {}, func(*scene) {}, false},
		{"untouched", func(sc *scene) { sc.catalog(one) }, func(*scene) {}, false},
		{"the old one, written anew", func(sc *scene) { sc.catalog(one) }, func(sc *scene) {
			sc.catalog(one)
			write(sc, sc.s.CachedCatalog(), read(sc, filepath.Dir(sc.s.CachedCatalog()), filepath.Base(sc.s.CachedCatalog()))+" ")
		}, false},
		{"removed", func(sc *scene) { sc.catalog(one) }, func(sc *scene) { os.Remove(sc.s.CachedCatalog()) }, false},
		{"without an id", func(*scene) {}, func(sc *scene) { write(sc, sc.s.CachedCatalog(), `{"name":"x"}`) }, false},
		{"before without an id", func(sc *scene) { write(sc, sc.s.CachedCatalog(), `{"name":"x"}`) }, func(sc *scene) { sc.catalog(one) }, false},
		{"before unreadable", func(sc *scene) { os.MkdirAll(sc.s.CachedCatalog(), 0o755) }, func(sc *scene) { os.Remove(sc.s.CachedCatalog()); sc.catalog(one) }, false},
	} {
		sc := newScene(t)
		c.before(sc)
		traces := sc.marked()
		c.after(sc)
		if f := traces.find(sc.started, sc.ended); f.freshCatalog != c.want {
			t.Errorf("%s: fresh %v", c.name, f.freshCatalog)
		}
	}
}

func TestReadFileBounds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large")
	write(t, path, "")
	if err := os.Truncate(path, maxReport+1); err != nil {
		t.Fatal(err)
	}
	sc := newScene(t)
	sc.s.Lastrunreport = path
	traces := NewTraces(sc.s, sc.o)
	if f := traces.find(sc.started, sc.ended); f.report != nil || len(f.problems) != 1 || !strings.Contains(f.problems[0], "larger than 64 MiB") {
		t.Errorf("problems %q", f.problems)
	}
}
