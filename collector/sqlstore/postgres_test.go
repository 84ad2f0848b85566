//go:build lab

package sqlstore_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
	"github.com/puppet-cron/puppet-cron/collector/storetest"
	"github.com/puppet-cron/puppet-cron/splay"
	"github.com/puppet-cron/puppet-cron/test/postgres"
)

func TestPostgres(t *testing.T) {
	p := startPostgres(t)
	storetest.Run(t, func(t *testing.T) collector.Store { return openStore(t, p.create(t)) })
}

func TestRoundTripPostgres(t *testing.T) {
	roundTrip(t, openStore(t, startPostgres(t).create(t)))
}

func TestTenThousandSlotsPostgres(t *testing.T) {
	tenThousandSlots(t, openStore(t, startPostgres(t).create(t)))
}

// Several collectors may migrate one database, and then use it, at once.
func TestSeveralCollectors(t *testing.T) {
	dsn, err := startPostgres(t).Create(t.Context(), "several")
	if err != nil {
		t.Fatal(err)
	}
	var migrating sync.WaitGroup
	for range 4 {
		migrating.Go(func() { migrate(t, dsn) })
	}
	migrating.Wait()
	stores := []*sqlstore.Store{openStore(t, dsn), openStore(t, dsn), openStore(t, dsn)}
	fleets := make([]*fleet, len(stores))
	var writing sync.WaitGroup
	for i, s := range stores {
		fleets[i] = &fleet{nodes: 300}
		writing.Go(func() { // all of them put the same runs, in different batches
			for left := 1500; left > 0; left -= 100 + 50*i {
				runs := fleets[i].batch(min(left, 100+50*i))
				if i == 1 {
					slices.Reverse(runs)
				}
				if _, err := s.Put(t.Context(), time.Now(), runs); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	seen, count := map[float64]bool{}, 0
	for cursor, more := "", true; more; more = cursor != "" {
		nodes, next, err := stores[0].Nodes(t.Context(), collector.NodeFilter{}, collector.Page{Limit: 100, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range nodes {
			seen[*n.Slot] = true
			count++
		}
		cursor = next
	}
	if count != 300 || len(seen) != 300 {
		t.Errorf("%d nodes have %d slots, want 300 each", count, len(seen))
	}
	for k := range 300 {
		if !seen[splay.SlotFraction(k)] {
			t.Errorf("nobody has slot %d", k)
		}
	}
	runs := 0
	for cursor, more := "", true; more; more = cursor != "" {
		page, next, err := stores[0].Runs(t.Context(), collector.RunFilter{}, collector.Page{Limit: 500, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		runs, cursor = runs+len(page), next
	}
	if runs != 1500 {
		t.Errorf("%d runs are stored, want 1500", runs)
	}
}

// A server that is away is no reason to give a run up, and one that is back needs nothing.
func TestServerIsKilled(t *testing.T) {
	p := startPostgres(t)
	s := openStore(t, p.create(t))
	f := &fleet{nodes: 10}
	batch := f.batch(10)
	if _, err := s.Put(t.Context(), time.Now(), batch); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	for range 10 { // the pool's connections, and then new ones
		if _, err := s.Put(t.Context(), time.Now(), f.batch(10)); !errors.Is(err, collector.ErrBusy) {
			t.Errorf("put: %v, want %v", err, collector.ErrBusy)
		}
	}
	if err := s.Ping(t.Context()); !errors.Is(err, collector.ErrBusy) {
		t.Errorf("ping: %v, want %v", err, collector.ErrBusy)
	}
	if err := p.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	receipts, err := s.Put(t.Context(), time.Now(), batch)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range receipts {
		if r.Status != api.AlreadyIn {
			t.Errorf("got %+v, want %s: it was committed", r, api.AlreadyIn)
		}
	}
}

// What an administrator has to mend about the server is no reason to give a run up either: a
// collector that was left on a standby, a database that is being restored.
func TestServerIsMended(t *testing.T) {
	p := startPostgres(t)
	admin, err := sql.Open("pgx", p.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	s := openStore(t, p.create(t))
	f := &fleet{nodes: 10}
	for _, statements := range [][]string{
		{"ALTER DATABASE d1 SET default_transaction_read_only = on", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'd1'"},
		{"DROP DATABASE d1 WITH (FORCE)"},
	} {
		for _, statement := range statements {
			if _, err := admin.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		for range 10 {
			if _, err := s.Put(t.Context(), time.Now(), f.batch(10)); !errors.Is(err, collector.ErrBusy) {
				t.Errorf("%s: %v, want %v", statements[0], err, collector.ErrBusy)
			}
		}
	}
}

// Both schemas have the same tables and columns.
func TestSchemasAgree(t *testing.T) {
	sqlitePath := filepath.Join(t.TempDir(), "c.db")
	migrate(t, "sqlite:"+sqlitePath)
	lite := columns(t, "sqlite", sqlitePath, `SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'goose%' AND m.name NOT LIKE 'sqlite%'`)
	pg := columns(t, "pgx", startPostgres(t).create(t), `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name NOT LIKE 'goose%'`)
	if diff := cmp.Diff(lite, pg); diff != "" || len(lite) < 50 {
		t.Errorf("(-SQLite +PostgreSQL):\n%s", diff)
	}
}

func columns(t *testing.T, driver, dsn, query string) (names []string) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

type server struct {
	*postgres.Server
	databases atomic.Int64
}

func startPostgres(t testing.TB) *server {
	s, err := postgres.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &server{Server: s}
}

func (s *server) create(t testing.TB) (dsn string) {
	dsn, err := s.Create(t.Context(), fmt.Sprintf("d%d", s.databases.Add(1)))
	if err == nil {
		_, _, err = sqlstore.Migrate(t.Context(), dsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

func BenchmarkPutPostgres(b *testing.B) {
	benchmarkPut(b, openStore(b, startPostgres(b).create(b)))
}

func BenchmarkSizePostgres(b *testing.B) {
	dsn := startPostgres(b).create(b)
	const runs = 200_000
	for b.Loop() {
		fill(b, openStore(b, dsn), runs)
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	var size int64
	if err := db.QueryRowContext(b.Context(), "SELECT pg_total_relation_size('runs')").Scan(&size); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(size)/runs, "bytes/run")
}

func TestAlertsOnPostgres(t *testing.T) {
	p := startPostgres(t)
	storetest.RunAlerts(t, func(t *testing.T) storetest.AlertingStore { return openStore(t, p.create(t)) })
}

// 20,000 nodes lose their server in one minute: people are told once, and once that it is over.
func TestOutageOfTwentyThousand(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { storetest.Outage(t, openSQLite(t), 20_000) })
	t.Run("PostgreSQL", func(t *testing.T) { storetest.Outage(t, openStore(t, startPostgres(t).create(t)), 20_000) })
}
