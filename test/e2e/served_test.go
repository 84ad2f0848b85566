//go:build lab

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/puppet/report"
	"github.com/puppet-cron/puppet-cron/state"
)

// served is a host with runs that nobody waits for. They mend a file, which is spoilt after every other of them: so the
// outcome of each is known beforehand.
type served struct {
	*host
	next want
	runs []*api.Run
}

const mending = "corrective"

// newServed makes one whose name is in nobody else's lines of the server's log, which may be that of a lab of many.
func newServed(t *testing.T) *served {
	t.Helper()
	n, err := theLab.NewNode(fmt.Sprintf("pid%d-%s", os.Getpid(), certname(t)))
	if err != nil {
		t.Fatal(err)
	}
	h := hostOf(t, n)
	h.noTwo()
	return &served{host: h, next: want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 1}}
}

// judge holds the record of the newest run against what it had to do and against Puppet's own files.
func (s *served) judge(r *api.Run) {
	s.t.Helper()
	s.next.check(s.t, r)
	s.agrees(r)
	if s.t.Failed() {
		s.t.Logf("%+v\n%s", r, s.output(r.ID))
	}
	s.runs = append(s.runs, r)
	s.next = want{outcome: api.Unchanged, source: api.FromServer}
	if len(s.runs)%2 == 0 {
		s.write(filepath.Join(s.Workdir, "fixed"), "spoilt\n")
		s.next = want{outcome: api.Changed, exit: 2, source: api.FromServer, changed: 1, corrective: 1}
	}
}

func (s *served) last() *api.Run { return s.runs[len(s.runs)-1] }

// agrees demands that the report and the summary that Puppet left are of this run and say the same.
func (s *served) agrees(r *api.Run) {
	s.t.Helper()
	rep, err := report.Read(strings.NewReader(s.report()))
	if err != nil {
		s.t.Fatal(err)
	}
	if rep.JobID != r.ID || rep.Status != string(r.Outcome) || rep.TransactionUUID != r.TransactionUUID || rep.CatalogUUID != r.Catalog.UUID {
		s.t.Errorf("Puppet reports job %s, %s, transaction %s, catalog %s; the record is\n%+v",
			rep.JobID, rep.Status, rep.TransactionUUID, rep.CatalogUUID, r)
	}
	sum, err := report.ReadSummary(strings.NewReader(s.read(filepath.Join(s.Publicdir, "last_run_summary.yaml"))))
	if err != nil {
		s.t.Fatal(err)
	}
	began := r.Started.Truncate(time.Second) // Puppet says whole seconds
	if sum.Resources["changed"] != r.Resources.Changed || sum.Resources["total"] != r.Resources.Total ||
		sum.LastRun.Before(began) || sum.LastRun.After(*r.Ended) {
		s.t.Errorf("Puppet's summary is %+v; the record is\n%+v", sum, r)
	}
}

// checkServer demands that the server, by its own log, had one report of each run and no other.
func (s *served) checkServer() {
	s.t.Helper()
	requests := s.read(filepath.Join(theLab.Root(), "server/log/access.log"))
	if sent := strings.Count(requests, `"PUT /puppet/v3/report/`+s.Certname+"?"); sent != len(s.runs) {
		s.t.Errorf("the server had %d reports of %d runs", sent, len(s.runs))
	}
}

// schedule is what the service keeps.
func (h *host) schedule() *state.Schedule {
	h.t.Helper()
	kept, err := h.state.Schedule()
	if err != nil {
		h.t.Fatal(err)
	}
	return kept
}
