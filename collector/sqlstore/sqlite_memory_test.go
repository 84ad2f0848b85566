package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// What is remembered is that of one connection: a new one, which takes the place of one that
// was interrupted, cannot tell what others have written in between.
func TestMemoryGoesWithItsConnection(t *testing.T) {
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "c.db")
	if _, _, err := Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	var stores [2]*Store
	for i := range stores {
		s, err := Open(t.Context(), dsn, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		stores[i] = s
	}
	server, command := stores[0], stores[1]
	put := func(id, certname string) *float64 {
		t.Helper()
		now := time.Now()
		receipts, err := server.Put(t.Context(), now, []*api.Run{{
			Schema: 1, ID: id, Certname: certname, Trigger: api.Schedule, Outcome: api.Unchanged, Ended: &now, Schedule: &api.Announce{IntervalS: 1800},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return receipts[0].Slot
	}
	first := put("0197f3a0-0000-7000-8000-000000000001", "web01")
	if err := command.Retire(context.Background(), "web01", time.Now()); err != nil {
		t.Fatal(err)
	}
	conn, err := server.write.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Raw(func(any) error { return driver.ErrBadConn }); !errors.Is(err, driver.ErrBadConn) {
		t.Fatal(err)
	}
	if got := put("0197f3a0-0000-7000-8000-000000000002", "web02"); *got != *first {
		t.Errorf("web02 has slot %v, want %v, which is free", *got, *first)
	}
	if got := put("0197f3a0-0000-7000-8000-000000000003", "web01"); *got == *first {
		t.Errorf("web01 is back with slot %v, which is another's", *got)
	}
}
