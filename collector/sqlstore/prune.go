package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

const (
	// maxPrune is how many rows one transaction removes: about 20 ms of SQLite's one writer.
	maxPrune = 500
	// keepAudit is for how long the audit log is kept.
	keepAudit = 365 * 24 * time.Hour
	// keepRefused is among how many last entries those of refused attempts are kept: some
	// hundred MB, however many strangers knock from however many addresses.
	keepRefused = 1_000_000
)

// Prune removes runs, at most 500 at a time, and entries of the audit log that are older
// than a year, or of refused attempts and a million ago. Runs of a class whose time is not positive are kept.
func (s *Store) Prune(ctx context.Context, keep collector.Retention, now time.Time, limit int) (removed int, more bool, err error) {
	s.pruning.Lock()
	defer s.pruning.Unlock()
	limit = min(max(limit, 1), maxPrune)
	for _, step := range []func() (int, bool, error){
		func() (int, bool, error) { return s.pruneOutcomes(ctx, keep, now, limit) },
		func() (int, bool, error) { return s.pruneUnchanged(ctx, keep.Unchanged, now, limit) },
	} {
		removed, more, err = step()
		if err != nil {
			return 0, false, s.failed("prune", err)
		}
		if removed > 0 || more {
			return removed, true, nil
		}
	}
	more, err = s.pruneRest(ctx, keep, now, limit)
	if err != nil {
		return 0, false, s.failed("prune", err)
	}
	return 0, more, nil
}

// pruneRest is for when no run is too old any more: no traits are older than the runs that
// have them, by more than the day that their last use is known to.
func (s *Store) pruneRest(ctx context.Context, keep collector.Retention, now time.Time, limit int) (more bool, err error) {
	n, err := s.remove(ctx, "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY at LIMIT $2)",
		now.Add(-keepAudit).UnixMicro(), limit)
	if err != nil || n == limit {
		return n == limit, err
	}
	n, err = s.remove(ctx, `DELETE FROM audit WHERE id IN (SELECT id FROM audit
		WHERE id <= (SELECT MAX(id) FROM audit) - $1 AND result = 'refused' ORDER BY id LIMIT $2)`, keepRefused, limit)
	if err != nil || n == limit {
		return n == limit, err
	}
	if min(keep.Unchanged, keep.Changed, keep.Failed) <= 0 {
		return false, nil
	}
	unused := now.Add(-max(keep.Unchanged, keep.Changed, keep.Failed) - 2*usedFor)
	n, err = s.remove(ctx, "DELETE FROM traits WHERE id IN (SELECT id FROM traits WHERE used < $1 LIMIT $2)", unused.UnixMicro(), limit)
	if n > 0 {
		s.knowing.Lock()
		s.known = nil
		s.knowing.Unlock()
	}
	return n == limit, err
}

// pruneOutcomes goes through the outcomes that are stored, by the index that has all but unchanged.
func (s *Store) pruneOutcomes(ctx context.Context, keep collector.Retention, now time.Time, limit int) (int, bool, error) {
	outcome := ""
	for {
		err := s.read.QueryRowContext(ctx, "SELECT outcome FROM runs WHERE outcome <> 'unchanged' AND outcome > $1 ORDER BY outcome LIMIT 1",
			outcome).Scan(&outcome)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, false, nil
		}
		if err != nil {
			return 0, false, err
		}
		kept := keptFor(keep, api.Outcome(outcome))
		if kept <= 0 {
			continue
		}
		n, err := s.remove(ctx, `DELETE FROM runs WHERE id IN (SELECT id FROM runs
			WHERE outcome = $1 AND outcome <> 'unchanged' AND received < $2 ORDER BY received LIMIT $3)`,
			outcome, now.Add(-kept).UnixMicro(), limit)
		if err != nil || n > 0 {
			return n, true, err
		}
	}
}

func keptFor(keep collector.Retention, o api.Outcome) time.Duration {
	switch o {
	case api.Unchanged, api.Skipped:
		return keep.Unchanged
	case api.Changed:
		return keep.Changed
	default:
		return keep.Failed
	}
}

// pruneUnchanged goes on along the times of receipt from where it was: what stays in between
// for longer, since it is not unchanged, is passed by once and not with every step.
func (s *Store) pruneUnchanged(ctx context.Context, kept time.Duration, now time.Time, limit int) (int, bool, error) {
	if kept <= 0 {
		return 0, false, nil
	}
	before := now.Add(-kept).UnixMicro()
	if s.pruned > before {
		s.pruned = math.MinInt64 // the clock was ahead
	}
	if s.pruned == before {
		return 0, false, nil
	}
	until := before
	err := s.read.QueryRowContext(ctx, fmt.Sprintf("SELECT received FROM runs WHERE received >= $1 AND received < $2 ORDER BY received LIMIT 1 OFFSET %d", maxLook),
		s.pruned, before).Scan(&until)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, false, err
	}
	n, err := s.remove(ctx, `DELETE FROM runs WHERE id IN (SELECT id FROM runs
		WHERE received >= $1 AND received <= $2 AND received < $3 AND outcome = 'unchanged' ORDER BY received LIMIT $4)`,
		s.pruned, until, before, limit)
	if err != nil {
		return 0, false, err
	}
	if n < limit {
		s.pruned = until
	}
	return n, n == limit || until < before, nil
}

func (s *Store) remove(ctx context.Context, q string, args ...any) (int, error) {
	result, err := s.write.ExecContext(ctx, q, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}
