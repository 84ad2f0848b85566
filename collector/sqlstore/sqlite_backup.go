package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/atomicfile"
)

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
	settled := settling(file)
	_, err = db.ExecContext(ctx, "VACUUM INTO $1", file)
	return errors.Join(err, settled())
}

// settleEvery is how often what was written of a copy is brought to the disk.
const settleEvery = 50 * time.Millisecond

// settling brings a file that grows to the disk bit by bit, until the function that it returns is called. All at
// once in the end, it would be before the commits of those who serve, which wait for the disk. To open and close the
// file costs SQLite its locks on it, which nobody else asks for: the directory is ours alone.
func settling(path string) (stop func() error) {
	quit, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		tick := time.NewTicker(settleEvery)
		defer tick.Stop()
		var err error
		for {
			select {
			case <-quit:
				failed <- err
				return
			case <-tick.C:
				// The kernel tells of an error once only.
				if e := syncFile(path); err == nil && !errors.Is(e, fs.ErrNotExist) {
					err = e
				}
			}
		}
	}()
	return func() error {
		close(quit)
		return <-failed
	}
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
