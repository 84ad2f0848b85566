package sqlstore_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// Nodes of a database that knew no silence are judged once it is opened, retired ones never.
func TestMigratedNodesAreJudged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	migrations, err := goose.NewProvider(goose.DialectSQLite3, db, sqlstore.Migrations("sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrations.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, ago := range map[string]time.Duration{"fresh": time.Minute, "late": 40 * time.Minute, "silent": 3 * time.Hour} {
		seen := now.Add(-ago).UnixMicro()
		if _, err := db.Exec("INSERT INTO nodes (certname, first_seen, last_seen, interval_s) VALUES ($1, $2, $2, 1800)", name, seen); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec("INSERT INTO nodes (certname, first_seen, last_seen, interval_s, retired) VALUES ('gone', 1, 1, 1800, 2)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	migrate(t, "sqlite:"+path)
	s := openStore(t, "sqlite:"+path)
	for more := true; more; {
		if _, more, err = s.Tick(t.Context(), now, 2); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]standing.Presence{
		"fresh": standing.Present, "late": standing.Late, "silent": standing.Silent, "gone": standing.Unknown,
	} {
		if n, err := s.Node(t.Context(), name); err != nil || n.Presence != want {
			t.Errorf("%s: %+v, %v; want %q", name, n, err, want)
		}
	}
}
