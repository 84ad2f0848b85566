package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/puppet-cron/puppet-cron/collector"
)

// ErrSchema says that the schema of a database is not the one that this version makes:
// somebody must migrate it, or use another version.
var ErrSchema = errors.New("the schema is not the one that this program makes")

// ErrBackup says that no backup can be made as it was asked for.
var ErrBackup = errors.New("no backup can be made")

// failed puts what was done before an error, and makes it one of the collector's where
// it has one. What ended because its context did stays that.
func (s *Store) failed(doing string, err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, collector.ErrNotFound), errors.Is(err, collector.ErrCursor), errors.Is(err, collector.ErrBusy):
	case errors.Is(err, sql.ErrNoRows):
		err = collector.ErrNotFound
	case s.db.busy(err):
		err = fmt.Errorf("%w: %w", collector.ErrBusy, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
