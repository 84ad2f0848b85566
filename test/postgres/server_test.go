//go:build lab

package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/puppet-cron/puppet-cron/test/postgres"
)

// What was committed is there after the server was killed.
func TestKill(t *testing.T) {
	s, err := postgres.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}()
	dsn, err := s.Create(t.Context(), "d")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "CREATE TABLE t AS SELECT 42 AS n"); err != nil {
		t.Fatal(err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "SELECT 1"); err == nil {
		t.Error("a killed server answers")
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close(t.Context())
	var n int
	if err := again.QueryRow(t.Context(), "SELECT n FROM t").Scan(&n); err != nil || n != 42 {
		t.Errorf("got %d, %v; want what was committed", n, err)
	}
}
