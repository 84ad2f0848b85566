package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const sqlitePrefix = "sqlite:"

type sqliteDB struct {
	path        string
	write, read *sql.DB
	statements  statements
	memory      memory
}

// createSQLite makes the file when there is none, for nobody but its owner, for it holds
// hashes of tokens and what Puppet printed.
func createSQLite(path string) error {
	if path == "" {
		return errNoFile
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

var errNoFile = errors.New("sqlite: names no file")

func openSQLite(ctx context.Context, path string, o Options) (*Store, error) {
	if path == "" {
		return nil, errNoFile
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: run `puppet-cron-collector migrate`", path, fs.ErrNotExist)
	}
	d := &sqliteDB{path: path}
	d.write = sql.OpenDB(&writer{db: d, uri: sqliteURI(path, url.Values{"_txlock": {"immediate"}})})
	d.write.SetMaxOpenConns(1)
	var err error
	if d.read, err = sql.Open("sqlite", sqliteURI(path, url.Values{"_pragma": {"query_only(1)"}})); err != nil {
		return nil, errors.Join(err, d.close())
	}
	d.read.SetMaxOpenConns(o.Readers)
	d.read.SetMaxIdleConns(o.Readers)
	if err := d.write.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), d.close())
	}
	return &Store{db: d, write: d.write, read: d.read}, nil
}

// sqliteURI names a file with the settings of every connection. A commit is on the disk
// when it returns. A checkpoint moves a thousand pages at most, so that no commit waits long for one.
func sqliteURI(path string, more url.Values) string {
	q := url.Values{"_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"cache_size(-16000)", "wal_autocheckpoint(1000)", "temp_store(MEMORY)",
	}}
	for k, v := range more {
		q[k] = append(q[k], v...)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: q.Encode()}
	return u.String()
}

func (d *sqliteDB) close() error {
	var errs []error
	for _, db := range []*sql.DB{d.read, d.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

func (d *sqliteDB) id(id string) any {
	if b := packID(id); b != nil {
		return b
	}
	return nil
}

// busy: SQLite has a full disk and a failing one beside another process's lock.
func (d *sqliteDB) busy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return true
	}
	return false
}

func (d *sqliteDB) gooseTables() string {
	return "SELECT COUNT(*) FROM sqlite_master WHERE name = 'goose_db_version'"
}

// again: the wait for another process has been long already.
func (d *sqliteDB) again(error) bool { return false }
