package puppet

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"time"

	"github.com/puppet-cron/puppet-cron/puppet/report"
)

// Traces are the files that tell of a run afterwards. They stay in place from run
// to run, so each must be proved to be of this one.
type Traces struct {
	id       string // job id; empty when Puppet was not given it
	certname string
	own      bool // the files are of this run alone
	summary  stamp
	report   stamp
	catalog  cachedCatalog
	marked   bool // what the files were is from before the run
}

// NewTraces says where the traces of a run will be. Call Mark right before Puppet
// is started.
func NewTraces(s *Settings, o Options) *Traces {
	t := &Traces{
		id: o.JobID, certname: s.Certname,
		summary: stamp{Path: s.Lastrunfile}, report: stamp{Path: s.Lastrunreport}, catalog: cachedCatalog{path: s.CachedCatalog()},
	}
	if o.Command == Apply {
		t.own, t.summary.Path, t.report.Path = true, o.SummaryFile, o.ReportFile
	}
	return t
}

// Mark notes what the files are now.
func (t *Traces) Mark() {
	t.summary, t.report = stampOf(t.summary.Path), stampOf(t.report.Path)
	t.catalog = readCatalog(t.catalog.path)
	t.marked = true
}

// cachedCatalog is the catalog that the agent keeps. Puppet writes the file anew
// even when it falls back on it, so only the catalog's own id tells a new one.
type cachedCatalog struct {
	path    string
	missing bool
	uuid    string
}

var catalogUUID = regexp.MustCompile(`"catalog_uuid": ?"([0-9a-fA-F-]{36})"`)

// readCatalog looks at the head of the file, where the id is.
func readCatalog(path string) cachedCatalog {
	c := cachedCatalog{path: path}
	f, err := openPlain(path)
	if err != nil {
		c.missing = errors.Is(err, fs.ErrNotExist)
		return c
	}
	defer f.Close()
	head, _ := io.ReadAll(io.LimitReader(f, 1<<20))
	if m := catalogUUID.FindSubmatch(head); m != nil {
		c.uuid = string(m[1])
	}
	return c
}

// replaces reports whether c is another catalog than the one that was there.
func (c cachedCatalog) replaces(before cachedCatalog) bool {
	return c.uuid != "" && (before.missing || before.uuid != "") && c.uuid != before.uuid
}

// found are the traces that are proved to be of the run.
type found struct {
	summary      *report.Summary
	report       *report.Report
	freshCatalog bool // the server gave the agent a catalog
	foreign      bool // the report is another run's, and new
	byApply      bool // a `puppet apply` wrote the newest summary
	problems     []string
}

// slack is by how much the times in Puppet's files may differ from ours: they are
// whole seconds, and taken a little earlier or later.
const slack = 5 * time.Second

func (t *Traces) find(started, ended time.Time) found {
	var f found
	t.findSummary(&f, started, ended)
	t.findReport(&f, started, ended)
	if f.foreign {
		f.summary = nil // as the report beside it, so may be the summary
	}
	f.freshCatalog = t.marked && readCatalog(t.catalog.path).replaces(t.catalog)
	return f
}

func (t *Traces) findReport(f *found, started, ended time.Time) {
	if !t.changed(t.report, started) {
		return
	}
	rep, err := readFile(t.report.Path, report.Read)
	if err != nil {
		f.problems = append(f.problems, err.Error())
		return
	}
	switch {
	case t.own:
	case t.id != "":
		f.foreign = rep.JobID != t.id
	default:
		f.foreign = f.byApply || rep.Host != t.certname || rep.Time.Before(started.Add(-slack)) || rep.Time.After(ended.Add(slack))
	}
	if !f.foreign {
		f.report = rep
	}
}

// findSummary must do without an id.
func (t *Traces) findSummary(f *found, started, ended time.Time) {
	if !t.changed(t.summary, started) {
		return
	}
	sum, err := readFile(t.summary.Path, report.ReadSummary)
	if err != nil {
		f.problems = append(f.problems, err.Error())
		return
	}
	f.byApply = sum.RunMode != "" && sum.RunMode != "agent"
	inTime := !sum.LastRun.Before(started.Add(-slack)) && !sum.LastRun.After(ended.Add(slack))
	if t.own || (!f.byApply && inTime) {
		f.summary = sum
	}
}

// changed reports whether the file was replaced since Mark. An adopted run has no
// mark; then its time must do.
func (t *Traces) changed(before stamp, started time.Time) bool {
	now := stampOf(before.Path)
	if now.Size < 0 {
		return false
	}
	if t.marked {
		return now != before
	}
	return now.ModTime >= started.Add(-slack).UnixNano()
}

// maxReport bounds what a run's report may cost: the reader is quick and needs
// little memory, but not without end.
const maxReport = 64 << 20

func readFile[T any](path string, read func(io.Reader) (*T, error)) (*T, error) {
	f, err := openPlain(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what Puppet left: %w", err)
	}
	defer f.Close()
	fi, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	case fi.Size() > maxReport:
		return nil, fmt.Errorf("%s is larger than %d MiB", filepath.Base(path), maxReport>>20)
	}
	v, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	return v, nil
}
