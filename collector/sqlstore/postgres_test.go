//go:build lab

package sqlstore_test

import (
	"database/sql"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
	"github.com/puppet-cron/puppet-cron/collector/storetest"
	"github.com/puppet-cron/puppet-cron/test/postgres"
)

func TestPostgres(t *testing.T) {
	p := startPostgres(t)
	storetest.Run(t, func(t *testing.T) collector.Store { return openStore(t, p.create(t)) })
}

func TestRoundTripPostgres(t *testing.T) {
	roundTrip(t, openStore(t, startPostgres(t).create(t)))
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
