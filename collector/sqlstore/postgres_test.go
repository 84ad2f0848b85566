//go:build lab

package sqlstore_test

import (
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
