package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the schema of a database to the one that this version makes, and says from and
// to which version. Several may do so at once. A newer schema stays as it is, and is an error.
func Migrate(ctx context.Context, dsn string) (from, to int64, err error) {
	p, db, err := provider(ctx, dsn)
	if err != nil {
		return 0, 0, fmt.Errorf("migrate the database%s: %w", named(dsn), err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if from, to, err = p.GetVersions(ctx); err == nil && from <= to {
		_, err = p.Up(ctx)
	} else if err == nil {
		err = errNewer(from, to)
	}
	if err != nil {
		return from, to, fmt.Errorf("migrate the database%s: %w", named(dsn), err)
	}
	return from, to, nil
}

// named is a file's name. What else a DSN holds may be a password.
func named(dsn string) string {
	if path, ok := strings.CutPrefix(dsn, sqlitePrefix); ok && path != "" {
		return " " + path
	}
	return ""
}

func provider(ctx context.Context, dsn string) (*goose.Provider, *sql.DB, error) {
	if path, ok := strings.CutPrefix(dsn, sqlitePrefix); ok {
		if err := createSQLite(path); errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("%w: make its directory first, for the collector's user alone: `install -d -m 0700 %s`", err, filepath.Dir(path))
		} else if err != nil {
			return nil, nil, err
		}
		db, err := sql.Open("sqlite", sqliteURI(path, url.Values{"_txlock": {"immediate"}}))
		if err != nil {
			return nil, nil, err
		}
		db.SetMaxOpenConns(1)
		return newProvider(goose.DialectSQLite3, db, "sqlite")
	}
	if !isPostgres(dsn) {
		return nil, nil, errDSN(dsn)
	}
	db, err := connect(dsn)
	if err != nil {
		return nil, nil, err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return newProvider(goose.DialectPostgres, db, "postgres", goose.WithSessionLocker(locker))
}

func newProvider(dialect goose.Dialect, db *sql.DB, dir string, options ...goose.ProviderOption) (*goose.Provider, *sql.DB, error) {
	files, err := fs.Sub(migrations, "migrations/"+dir)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	p, err := goose.NewProvider(dialect, db, files, options...)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return p, db, nil
}

func errNewer(has, known int64) error {
	return fmt.Errorf("%w: it is version %d, and it knows up to %d: use the version that made it, or a later one", ErrSchema, has, known)
}

// checkSchema only reads: goose itself would make its table.
func (s *Store) checkSchema(ctx context.Context) error {
	has, err := s.version(ctx)
	if err != nil {
		return s.failed("read the version of the schema", err)
	}
	known, err := newestMigration()
	switch {
	case err != nil:
		return err
	case has > known:
		return fmt.Errorf("open the database: %w", errNewer(has, known))
	case has < known:
		return fmt.Errorf("open the database: %w: it is version %d, not %d: run `puppet-cron-collector migrate`", ErrSchema, has, known)
	}
	return nil
}

func (s *Store) version(ctx context.Context) (version int64, err error) {
	var tables int
	if err := s.read.QueryRowContext(ctx, s.db.gooseTables()).Scan(&tables); err != nil || tables == 0 {
		return 0, err
	}
	err = s.read.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version").Scan(&version)
	return version, err
}

// newestMigration is the highest number of the files; both databases have the same.
func newestMigration() (newest int64, err error) {
	files, err := fs.Glob(migrations, "migrations/sqlite/*.sql")
	for _, file := range files {
		n, err := goose.NumericComponent(file)
		if err != nil {
			return 0, err
		}
		newest = max(newest, n)
	}
	return newest, err
}
