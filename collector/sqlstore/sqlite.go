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

	"github.com/puppet-cron/puppet-cron/internal/atomicfile"
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

// backup copies the database beside its writers into a new file, which then takes its name.
func (d *sqliteDB) backup(ctx context.Context, path string) (err error) {
	if err := d.spare(path); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(path), ".backup-") // 0700, so nobody sees the copy in the making
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	file := filepath.Join(temp, "collector.db")
	if err := d.copyTo(ctx, file); err != nil {
		return err
	}
	if err := syncFile(file); err != nil {
		return err
	}
	if err := os.Rename(file, path); err != nil {
		return err
	}
	return atomicfile.SyncDir(filepath.Dir(path))
}

// spare keeps a backup from taking the place of the database itself: whoever serves would
// go on with a file that has no name any more, and lose all that it acknowledges.
func (d *sqliteDB) spare(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil // there is none yet, or making the copy says why not
	}
	if info.IsDir() {
		return fmt.Errorf("%w: %s is a directory: name a file in it", ErrBackup, path)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if own, err := os.Stat(d.path + suffix); err == nil && os.SameFile(own, info) {
			return fmt.Errorf("%w: %s is the database itself: name another file", ErrBackup, path)
		}
	}
	return nil
}

// copyTo has a connection of its own: those for reading may not write, not even another
// file, and the one for writing must not be away for so long.
func (d *sqliteDB) copyTo(ctx context.Context, file string) (err error) {
	db, err := sql.Open("sqlite", sqliteURI(d.path, nil))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "VACUUM INTO $1", file)
	return err
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Chmod(0o600); err != nil && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return f.Sync()
}
