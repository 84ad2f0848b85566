package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

type postgresDB struct{ db *sql.DB }

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// connect makes a pool. Its errors have no DSN in them, for that may hold a password.
func connect(dsn string) (*sql.DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("postgres: the DSN cannot be read: it must be postgres://USER@HOST/NAME, with what libpq knows as parameters")
	}
	if err := checkPassfile(dsn); err != nil {
		return nil, err
	}
	// A plan that was made while a table was small, and kept, reads all of it when it is large.
	config.RuntimeParams["plan_cache_mode"] = "force_custom_plan"
	return stdlib.OpenDB(*config), nil
}

// checkPassfile looks at the file that a DSN names. pgx would go on without one that it cannot
// read, and only PostgreSQL would say that the password is wrong.
func checkPassfile(dsn string) error {
	u, err := url.Parse(dsn)
	if err != nil || !u.Query().Has("passfile") {
		return nil
	}
	f, err := os.Open(u.Query().Get("passfile"))
	if err != nil {
		return fmt.Errorf("postgres: the passfile: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.Mode().Perm()&0o004 != 0 && runtime.GOOS != "windows" {
		err = fmt.Errorf("%w: everybody on this host may read it: chmod 600 %s", fs.ErrPermission, f.Name())
	}
	if err != nil {
		return fmt.Errorf("postgres: the passfile: %w", err)
	}
	return nil
}

func openPostgres(ctx context.Context, dsn string, o Options) (*Store, error) {
	db, err := connect(dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(o.Readers)
	db.SetMaxIdleConns(o.Readers)
	d := &postgresDB{db}
	s := &Store{db: d, write: db, read: db}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(s.failed("reach PostgreSQL", err), db.Close())
	}
	return s, nil
}

// prepare: pgx prepares statements by itself.
func (d *postgresDB) prepare(context.Context) error { return nil }

// forget: there is nothing that a collector could remember while others write.
func (d *postgresDB) forget() {}

func (d *postgresDB) close() error { return d.db.Close() }

func (d *postgresDB) id(id string) any {
	if b := packID(id); b != nil {
		return [16]byte(b)
	}
	return nil
}

func (d *postgresDB) gooseTables() string {
	return "SELECT COUNT(*) FROM pg_class WHERE relname = 'goose_db_version' AND pg_table_is_visible(oid)"
}

func (d *postgresDB) backup(context.Context, string) error {
	return fmt.Errorf("%w: PostgreSQL has a program for that: use pg_dump", ErrBackup)
}

// busy: whoever shuts the server down, cuts the line, or leaves us on a standby will have it
// right again.
func (d *postgresDB) busy(err error) bool {
	if _, connecting := errors.AsType[*pgconn.ConnectError](err); connecting {
		return true
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code[:2] {
		case "08", "53", "55", "57", "58", "40":
			return true
		}
		return e.Code == "25006" // read only
	}
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, sql.ErrConnDone) || pgconn.SafeToRetry(err)
}

// again: a deadlock, a failed serialization, or a start that another transaction took.
func (d *postgresDB) again(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01" || e.Code == "23505")
}
