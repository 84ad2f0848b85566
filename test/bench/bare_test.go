//go:build bench

package bench

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/puppet-cron/puppet-cron/collector/sqlstore"
	"github.com/puppet-cron/puppet-cron/test/rig"
)

func openPostgres(t *testing.T) (dsn string, pid int) {
	db := rig.NewPostgres(t)
	return db.DSN, db.PID()
}

// bare inserts the rows that the collector has made anew, with nothing around it: into a table like theirs, with its
// indexes, as durably, one by one and in transactions of 500.
func bare(t *testing.T, dsn string) {
	t.Helper()
	db, from, insert := openBare(t, dsn)
	defer db.Close()
	rows, columns := readRows(t, from, 20_000)
	var marks []string
	for i := range columns {
		marks = append(marks, fmt.Sprintf("$%d", i+1))
	}
	statement := insert + " VALUES (" + strings.Join(marks, ",") + ")"
	singles := 3000
	writers := 1 // SQLite has one at a time
	if !strings.HasPrefix(dsn, "sqlite:") {
		writers = 16
	}
	one := inserted(t, db, statement, rows[:singles], 1, writers)
	many := inserted(t, db, statement, rows[singles:], 500, 1)
	t.Logf("%-32s %6.0f rows/s one by one (%d at a time), %.0f rows/s in transactions of 500", "the bare database", one, writers, many)
}

// openBare opens a copy of the schema for writing, and the collector's runs for reading.
func openBare(t *testing.T, dsn string) (db, from *sql.DB, insert string) {
	t.Helper()
	open := func(driver, name string) *sql.DB {
		db, err := sql.Open(driver, name)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		empty := filepath.Join(t.TempDir(), "bare.db")
		if _, _, err := sqlstore.Migrate(t.Context(), "sqlite:"+empty); err != nil {
			t.Fatal(err)
		}
		db = open("sqlite", "file:"+empty+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
		db.SetMaxOpenConns(1)
		return db, open("sqlite", "file:"+path), "INSERT INTO runs"
	}
	db = open("pgx", dsn)
	if _, err := db.Exec("CREATE TABLE bare (LIKE runs INCLUDING ALL)"); err != nil {
		t.Fatal(err)
	}
	return db, db, "INSERT INTO bare"
}

func readRows(t *testing.T, db *sql.DB, most int) (all [][]any, columns int) {
	t.Helper()
	rows, err := db.Query(fmt.Sprintf("SELECT * FROM runs LIMIT %d", most))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row, into := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all, len(names)
}

// inserted is how many rows a second so many writers insert, in transactions of so many.
func inserted(t *testing.T, db *sql.DB, statement string, rows [][]any, each, writers int) float64 {
	t.Helper()
	began := time.Now()
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := w * each; i < len(rows); i += writers * each {
				if err := insertAll(db, statement, rows[i:min(i+each, len(rows))]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return float64(len(rows)) / time.Since(began).Seconds()
}

func insertAll(db *sql.DB, statement string, rows [][]any) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	prepared, err := tx.Prepare(statement)
	if err != nil {
		return err
	}
	defer prepared.Close()
	for _, row := range rows {
		if _, err := prepared.Exec(row...); err != nil {
			return err
		}
	}
	return tx.Commit()
}
