package sqlstore_test

import (
	"path/filepath"
	"testing"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
	"github.com/puppet-cron/puppet-cron/collector/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) collector.Store { return openSQLite(t) })
}

func openSQLite(t testing.TB) *sqlstore.Store {
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "collector.db")
	if _, _, err := sqlstore.Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	return openStore(t, dsn)
}

func openStore(t testing.TB, dsn string) *sqlstore.Store {
	s, err := sqlstore.Open(t.Context(), dsn, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestAlertsOnSQLite(t *testing.T) {
	storetest.RunAlerts(t, func(t *testing.T) storetest.AlertingStore { return openSQLite(t) })
}
