package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
	"github.com/puppet-cron/puppet-cron/splay"
)

// Whoever opens a database is told what to do before it can be used.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	newer := "sqlite:" + filepath.Join(dir, "newer.db")
	migrate(t, newer)
	exec(t, filepath.Join(dir, "newer.db"), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
	empty := filepath.Join(dir, "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ dsn, want string }{
		"no file":      {"sqlite:" + filepath.Join(dir, "none.db"), "run `puppet-cron-collector migrate`"},
		"no directory": {"sqlite:" + filepath.Join(dir, "none", "c.db"), "run `puppet-cron-collector migrate`"},
		"empty":        {"sqlite:" + empty, "run `puppet-cron-collector migrate`"},
		"newer":        {newer, "use the version that made it, or a later one"},
		"no database":  {"sqlite:" + text, "not a database"},
		"no path":      {"sqlite:", "names no file"},
		"other":        {"mysql://root:secret@db/x", "sqlite:PATH or postgres://USER@HOST/NAME"},
		"nothing":      {"secret", "sqlite:PATH or postgres://USER@HOST/NAME"},
		"bad":          {"postgres://u:secret@h:port/x", "postgres://USER@HOST/NAME"},
	} {
		s, err := sqlstore.Open(t.Context(), tt.dsn, sqlstore.Options{})
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "none.db")); err == nil {
		t.Error("a refused database was made all the same")
	}
	if _, _, err := sqlstore.Migrate(t.Context(), newer); !errors.Is(err, sqlstore.ErrSchema) || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("migrating a newer schema: %v", err)
	}
	if _, _, err := sqlstore.Migrate(t.Context(), "sqlite:"+filepath.Join(dir, "none", "c.db")); err == nil {
		t.Error("the directory was made; it must exist")
	}
}

func TestMigrateSaysFromAndTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.db")
	for _, want := range [][2]int64{{0, 5}, {5, 5}} {
		from, to, err := sqlstore.Migrate(t.Context(), "sqlite:"+path)
		if err != nil || from != want[0] || to != want[1] {
			t.Errorf("from %d to %d, %v; want %v", from, to, err, want)
		}
	}
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", fi.Mode(), err)
	}
}

// The kernel tells of an error once, so who asked first has to pass it on.
func TestSettlingTellsOfErrors(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		for path, fails := range map[string]bool{dir: true, filepath.Join(dir, "not yet"): false} {
			stop := sqlstore.Settling(path)
			time.Sleep(time.Second)
			if err := stop(); (err != nil) != fails {
				t.Errorf("%s: %v", path, err)
			}
		}
	})
}

// A backup is whole, is made while runs come in, and replaces an older one.
func TestBackup(t *testing.T) {
	s := openSQLite(t)
	f := &fleet{nodes: 100}
	if _, err := s.Put(t.Context(), time.Now(), f.batch(500)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	var writers sync.WaitGroup
	writers.Go(func() {
		for range 5 {
			if _, err := s.Put(t.Context(), time.Now(), f.batch(100)); err != nil {
				t.Error(err)
			}
		}
	})
	for range 2 {
		if err := s.Backup(t.Context(), path); err != nil {
			t.Error(err)
		}
	}
	writers.Wait()
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", fi.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v; want nothing but the copy", entries, err)
	}
	sum, err := openStore(t, "sqlite:"+path).Summary(t.Context())
	if err != nil || sum.Nodes != 100 {
		t.Errorf("the copy has %+v, %v; want 100 nodes", sum, err)
	}
	if err := s.Backup(t.Context(), filepath.Join(path, "none", "c.db")); err == nil {
		t.Error("a backup went where nothing is")
	}
}

// 10,000 nodes get the first 10,000 slots, and those of retired ones are given again, the
// smallest first.
func TestTenThousandSlots(t *testing.T) { tenThousandSlots(t, openSQLite(t)) }

func tenThousandSlots(t *testing.T, s collector.Store) {
	const nodes = 10_000
	f := &fleet{nodes: nodes}
	seen := make(map[float64]bool, nodes)
	for range nodes / 500 {
		receipts, err := s.Put(t.Context(), time.Now(), f.batch(500))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range receipts {
			seen[*r.Slot] = true
		}
	}
	for k := range nodes {
		if !seen[splay.SlotFraction(k)] {
			t.Fatalf("nobody has slot %d", k)
		}
	}
	n, err := s.Node(t.Context(), "web04711.example.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Retire(t.Context(), n.Certname, time.Now()); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{*n.Slot, splay.SlotFraction(nodes)} {
		run := f.run()
		run.Certname = fmt.Sprintf("new%d", i)
		receipts, err := s.Put(t.Context(), time.Now(), []*api.Run{run})
		if err != nil || *receipts[0].Slot != want {
			t.Errorf("%s: %v, %v; want %v", run.Certname, *receipts[0].Slot, err, want)
		}
	}
}

// What another process does, as the command line, is known at once.
func TestOtherProcess(t *testing.T) {
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "c.db")
	migrate(t, dsn)
	server, command := openStore(t, dsn), openStore(t, dsn)
	f := &fleet{nodes: 2}
	put := func() []collector.Receipt {
		receipts, err := server.Put(t.Context(), time.Now(), f.batch(1))
		if err != nil {
			t.Fatal(err)
		}
		return receipts
	}
	first := *put()[0].Slot
	put()
	if err := command.Retire(t.Context(), "web00001.example.com", time.Now()); err != nil {
		t.Fatal(err)
	}
	run := f.run()
	run.Certname = "new"
	receipts, err := server.Put(t.Context(), time.Now(), []*api.Run{run})
	if err != nil || *receipts[0].Slot != first {
		t.Fatalf("%v, %v; want slot %v, which is free", receipts, err, first)
	}
	put()
	if got := *put()[0].Slot; got != splay.SlotFraction(2) {
		t.Errorf("the retired node is back with slot %v, which is another's; want %v", got, splay.SlotFraction(2))
	}
}

func TestContext(t *testing.T) {
	s := openSQLite(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Put(ctx, time.Now(), (&fleet{nodes: 1}).batch(1)); !errors.Is(err, ctx.Err()) {
		t.Errorf("put: %v, want %v", err, ctx.Err())
	}
	if _, _, err := s.Runs(ctx, collector.RunFilter{}, collector.Page{Limit: 1}); !errors.Is(err, ctx.Err()) {
		t.Errorf("list: %v, want %v", err, ctx.Err())
	}
}

// Another process that holds the file for longer than we wait is no reason to give a run up.
func TestBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.db")
	migrate(t, "sqlite:"+path)
	s := openStore(t, "sqlite:"+path)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), time.Now(), (&fleet{nodes: 1}).batch(1)); !errors.Is(err, collector.ErrBusy) {
		t.Errorf("got %v, want %v", err, collector.ErrBusy)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), time.Now(), (&fleet{nodes: 1}).batch(1)); err != nil {
		t.Error(err)
	}
}

func migrate(t testing.TB, dsn string) {
	t.Helper()
	if _, _, err := sqlstore.Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
}

func exec(t testing.TB, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
