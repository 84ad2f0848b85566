package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// anything: whatever comes in whatever order, a store says what the model says. All checks
// are on one store, each an hour after the one before, with its own nodes and ids; that its nodes
// are retired in the end leaves the slots to the next.
func anything(t *testing.T, s collector.Store) {
	checks := 0
	rapid.Check(t, func(t *rapid.T) {
		checks++
		m := &machine{Store: s, model: newModel(), check: checks, t0: t0.Add(time.Duration(checks) * time.Hour)}
		defer m.end(t)
		// What goes wrong stays wrong, so it need not be looked for after every step.
		t.Repeat(map[string]func(*rapid.T){
			"put":       m.Put,
			"put again": m.Put,
			"put more":  m.Put,
			"retire":    m.Retire,
			"check":     m.Check,
		})
		m.Check(t)
	})
}

// How nodes stand is what standings looks at.
var (
	standingsAside = cmpopts.IgnoreFields(collector.Node{}, "Presence", "Expected", "Troubles", "Streak")
	summaryAside   = cmpopts.IgnoreFields(collector.Summary{}, "Presence", "Troubles", "Acknowledged")
)

type machine struct {
	collector.Store
	model *model
	check int
	t0    time.Time
}

func (m *machine) name(t *rapid.T) string {
	return fmt.Sprintf("%s%d", rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "node"), m.check)
}

func (m *machine) end(t *rapid.T) {
	for certname := range m.model.nodes {
		if err := m.Store.Retire(t.Context(), certname, m.t0); err != nil {
			t.Error(err)
		}
	}
}

// Put is of few nodes, ids and times, so that all of them meet.
func (m *machine) Put(t *rapid.T) {
	minute := func(label string) time.Time {
		return m.t0.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, label)) * time.Minute)
	}
	var runs []*api.Run
	for range rapid.IntRange(1, 4).Draw(t, "runs") {
		n, certname := 10*m.check+rapid.IntRange(1, 8).Draw(t, "id"), m.name(t)
		if rapid.Bool().Draw(t, "start") {
			runs = append(runs, begun(n, certname, minute("started")))
			continue
		}
		run := final(n, certname, minute("ended"), rapid.SampledFrom([]api.Outcome{api.Unchanged, api.Failed, api.Skipped}).Draw(t, "outcome"))
		if run.Outcome == api.Failed {
			run.Reason = api.PostrunFailed
		}
		run.DroppedBefore = rapid.IntRange(0, 2).Draw(t, "dropped")
		run.Environment = rapid.SampledFrom([]string{"production", "staging"}).Draw(t, "environment")
		runs = append(runs, every(rapid.SampledFrom([]float64{1800, 3600}).Draw(t, "interval"), run))
	}
	received := minute("received")
	got, err := m.Store.Put(t.Context(), received, runs)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.model.put(received, runs), got, cmpopts.IgnoreFields(collector.Receipt{}, "Error")); diff != "" {
		t.Fatalf("receipts (-want +got):\n%s", diff)
	}
}

// Retire is of a node that there may not be.
func (m *machine) Retire(t *rapid.T) {
	certname := m.name(t)
	err := m.Store.Retire(t.Context(), certname, m.t0)
	if there := m.model.retire(certname, m.t0); there != (err == nil) || !there && !errors.Is(err, collector.ErrNotFound) {
		t.Fatalf("retire %s: %v", certname, err)
	}
}

// Check asks for everything.
func (m *machine) Check(t *rapid.T) {
	for certname := range m.model.nodes {
		got, err := m.Node(t.Context(), certname)
		if diff := cmp.Diff(m.model.node(certname), got, standingsAside); err != nil || diff != "" {
			t.Fatalf("node %s: %v (-want +got):\n%s", certname, err, diff)
		}
	}
	for n := 1; n <= 8; n++ {
		m.checkRun(t, id(10*m.check+n))
	}
	for _, f := range []collector.RunFilter{{}, {Certname: fmt.Sprint("a", m.check)}, {Outcome: api.Failed}, {Outcome: api.Unchanged, Environment: "staging"}} {
		f.Since, f.Until = m.t0, m.t0.Add(time.Hour)
		got, err := allRuns(t.Context(), m.Store, f, 3)
		if want := m.model.list(f); err != nil || !slices.Equal(want, idsOf(got)) {
			t.Fatalf("%+v: %v, want %v, got %v", f, err, want, idsOf(got))
		}
	}
	got, err := m.Summary(t.Context())
	if diff := cmp.Diff(m.model.summary(), got, summaryAside); err != nil || diff != "" {
		t.Fatalf("summary: %v (-want +got):\n%s", err, diff)
	}
}

func (m *machine) checkRun(t *rapid.T, id string) {
	got, err := m.Run(t.Context(), id)
	owner, isFinal := m.model.owner(id)
	switch {
	case owner == "" && errors.Is(err, collector.ErrNotFound):
	case err != nil:
		t.Fatal(err)
	case got.Certname != owner || (got.Outcome != "") != isFinal:
		t.Fatalf("run %s is %+v, want one of %q, final %v", id, got, owner, isFinal)
	}
}
