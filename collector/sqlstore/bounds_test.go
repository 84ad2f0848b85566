package sqlstore

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// Tables that no time of keeping bounds do not grow with what nodes and strangers send.

var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func openNew(t *testing.T) *Store {
	t.Helper()
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "c.db")
	if _, _, err := Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), dsn, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func unchanged(n int, certname string, interval float64) *api.Run {
	ended := now.Add(time.Duration(n) * time.Second)
	return &api.Run{
		Schema: 1, ID: fmt.Sprintf("0197f3a0-0000-7000-8000-%012x", n), Certname: certname, Trigger: api.Schedule,
		Outcome: api.Unchanged, Ended: &ended, Schedule: &api.Announce{IntervalS: interval},
	}
}

func putNew(t *testing.T, s *Store, received time.Time, runs ...*api.Run) {
	t.Helper()
	receipts, err := s.Put(t.Context(), received, runs)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range receipts {
		if r.Status != api.Stored {
			t.Fatalf("%+v", r)
		}
	}
}

func rowsOf(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	if err := s.read.QueryRowContext(context.Background(), "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A node that has another interval each time leaves no slots behind.
func TestSlotsThatNobodyHas(t *testing.T) {
	s := openNew(t)
	for n := range 50 {
		putNew(t, s, now.Add(time.Hour), unchanged(n, "web01", float64(60+n)))
	}
	slots := func() int { return rowsOf(t, s, "slots") + rowsOf(t, s, "free_slots") }
	if got := slots(); got != 1 {
		t.Errorf("%d slots are there for one node", got)
	}
	putNew(t, s, now.Add(time.Hour), unchanged(100, "web02", 60), unchanged(101, "web03", 60), unchanged(102, "web04", 60))
	for i, certname := range []string{"web03", "web04", "web02", "web01"} {
		if err := s.Retire(t.Context(), certname, now); err != nil {
			t.Fatal(err)
		}
		if got, want := slots(), []int{4, 2, 1, 0}[i]; got != want {
			t.Errorf("without %s %d slots are there, want %d", certname, got, want)
		}
	}
}

// Attempts that were refused cannot fill the disk, and push out no change that was made.
func TestAuditLogIsBounded(t *testing.T) {
	s := openNew(t)
	add := func(result string, n int) {
		for range n {
			if err := s.Audit(t.Context(), collector.AuditEntry{At: now, Actor: "a", Action: "x", Result: result}); err != nil {
				t.Fatal(err)
			}
		}
	}
	add("ok", 3)
	add("refused", 20)
	if _, err := s.write.ExecContext(t.Context(), "UPDATE sqlite_sequence SET seq = seq + 1000000 WHERE name = 'audit'"); err != nil {
		t.Fatal(err)
	}
	add("refused", 5)
	pruneAll(t, s, now)
	if got := rowsOf(t, s, "audit WHERE result = 'ok'"); got != 3 {
		t.Errorf("%d changes are left, want all 3", got)
	}
	if got := rowsOf(t, s, "audit WHERE result = 'refused'"); got != 5 {
		t.Errorf("%d refused attempts are left, want the last 5", got)
	}
}

var retention = collector.Retention{Unchanged: 14 * 24 * time.Hour, Changed: 30 * 24 * time.Hour, Failed: 30 * 24 * time.Hour}

func pruneAll(t *testing.T, s *Store, at time.Time) {
	t.Helper()
	for more, calls := true, 0; more; calls++ {
		var err error
		if _, more, err = s.Prune(t.Context(), retention, at, 3); err != nil || calls > 1000 {
			t.Fatalf("after %d calls: %v", calls, err)
		}
	}
}

// What runs have in common goes once no run has it, and no sooner; what this process
// remembers of it goes along.
func TestTraitsArePruned(t *testing.T) {
	s := openNew(t)
	const day = 24 * time.Hour
	for n := range 10 {
		run := unchanged(n, "web01", 1800)
		run.Environment = fmt.Sprintf("branch_%d", n)
		putNew(t, s, now, run)
	}
	steady := func(n int, at time.Time) {
		run := unchanged(n, "web02", 1800)
		run.Environment = "production"
		putNew(t, s, at, run)
	}
	for n := range 34 { // its traits are remembered, and their use is noted once a day
		steady(100+n, now.Add(time.Duration(n)*day))
	}
	pruneAll(t, s, now.Add(29*day))
	if got := rowsOf(t, s, "traits"); got != 11 {
		t.Errorf("%d traits are there as long as a changed run may be kept, want 11", got)
	}
	at := now.Add(33 * day)
	pruneAll(t, s, at)
	if got := rowsOf(t, s, "traits"); got != 1 {
		t.Errorf("%d traits are left, want production's", got)
	}
	run := unchanged(200, "web01", 1800)
	run.Environment = "branch_7"
	putNew(t, s, at, run)
	for _, id := range []string{run.ID, unchanged(133, "", 0).ID} {
		got, err := s.Run(t.Context(), id)
		if err != nil || got.Trigger != api.Schedule || got.Environment == "" || got.Schedule == nil {
			t.Errorf("run %s lacks its traits: %+v, %v", id, got, err)
		}
	}
}
