//go:build bench

package bench

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/puppet-cron/puppet-cron/api"
)

// runBytes is the size of a run on the wire that the issue names.
const runBytes = 2 << 10

// newRun is the n-th run of a node: one of twenty changed something, and one of a hundred failed.
func newRun(t *testing.T, certname string, n int) *api.Run {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	ended := time.Now()
	started := ended.Add(-14200 * time.Millisecond)
	next := ended.Add(30 * time.Minute)
	offset, code := 461.25, 0
	run := &api.Run{
		Schema: api.SchemaVersion, ID: id.String(), Certname: certname, Trigger: api.Schedule,
		Due: &started, Started: &started, Ended: &ended, Outcome: api.Unchanged, ExitCode: &code,
		Message: "0 of 412 resources changed", Environment: "production", ConfigVersion: "1795395999",
		PuppetVersion: "7.23.0", AgentVersion: "0.1.0",
		Catalog: &api.Catalog{UUID: uuid.NewString(), Source: api.FromServer}, TransactionUUID: uuid.NewString(),
		Resources: &api.Resources{Total: 412},
		TimingsS:  map[string]float64{"config_retrieval": 1.203, "catalog_application": 8.042, "total": 12.441},
		Usage:     &api.Usage{WallS: 14.2, CPUS: 9.1, MaxRSSBytes: 120_000_000},
		Schedule:  &api.Announce{IntervalS: 1800, OffsetS: &offset, NextDue: &next, TimeoutS: 3900},
	}
	switch {
	case n%100 == 7:
		code, run.Outcome, run.Resources.Failed, run.Message = 4, api.Failed, 1, "1 of 412 resources failed"
		run.Failures = []api.Failure{{
			Resource: "Service[nginx]", File: "/etc/puppetlabs/code/environments/production/modules/nginx/manifests/init.pp",
			Line: 42, Message: "Systemd start for nginx failed! journalctl log for nginx: -- No entries --",
		}}
	case n%20 == 3:
		code, run.Outcome, run.Resources.Changed, run.Resources.OutOfSync, run.Message = 2, api.Changed, 3, 3, "3 of 412 resources changed"
	}
	run.Bound()
	return run
}

// moveTo makes a run one that ended at a time.
func moveTo(run *api.Run, ended time.Time) {
	started, next := ended.Add(-14200*time.Millisecond), ended.Add(interval)
	run.Due, run.Started, run.Ended, run.Schedule.NextDue = &started, &started, &ended, &next
}

// idAt is an id that was made at a time.
func idAt(t *testing.T, at time.Time) string {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	for i, ms := 5, at.UnixMilli(); i >= 0; i, ms = i-1, ms>>8 {
		id[i] = byte(ms)
	}
	return id.String()
}

// types is of how many of its types Puppet tells the time in a run like these.
const types = 24

// encode is a run as the bench wants it: what is missing to its size, Puppet's times of each type make up, and a
// configuration version of many words.
func encode(t *testing.T, run *api.Run) []byte {
	t.Helper()
	for i := range types {
		run.TimingsS[fmt.Sprintf("concat_%02d", i)] = 0.012
	}
	missing := runBytes - len(marshal(t, run))
	run.ConfigVersion += strings.Repeat("x", min(max(0, missing), api.MaxNameBytes-len(run.ConfigVersion)))
	body := marshal(t, run)
	return append(body, strings.Repeat(" ", max(0, runBytes-len(body)))...)
}

func marshal(t *testing.T, run *api.Run) []byte {
	t.Helper()
	body, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// batch is a body of runs, packed as the reporter does.
func batch(t *testing.T, runs [][]byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	fmt.Fprintf(w, `{"runs":[%s]}`, bytes.Join(runs, []byte(",")))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}
