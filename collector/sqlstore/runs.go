package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// maxLook is how many rows a page looks at: a filter that hardly anything passes must
// not make one request read millions.
const maxLook = 5_000

// maxPageBytes is what the runs of a page may have been packed from, but for the last one: a
// log may be 1 MiB, and takes a thousandth of that in the database.
const maxPageBytes = 4 << 20

// Run gives one run.
func (s *Store) Run(ctx context.Context, id string) (*collector.Stored, error) {
	if !api.ValidID(id) {
		return nil, s.failed("find run "+fmt.Sprintf("%.40q", id), collector.ErrNotFound)
	}
	run, _, err := s.scanRun(s.read.QueryRowContext(ctx, selectRuns+" WHERE r.id = $1", s.db.id(id)))
	if errors.Is(err, sql.ErrNoRows) {
		run, err = s.startOf(ctx, id)
	}
	if err != nil {
		return nil, s.failed("find run "+id, err)
	}
	return run, nil
}

func (s *Store) startOf(ctx context.Context, id string) (*collector.Stored, error) {
	var (
		st       collector.Stored
		received int64
		packed   []byte
	)
	err := s.read.QueryRowContext(ctx, "SELECT received, run FROM starts WHERE id = $1", s.db.id(id)).Scan(&received, &packed)
	if err == nil {
		_, err = s.details.unpack(packed, &st.Run)
	}
	st.Received = timeOf(received)
	return &st, err
}

// Runs lists finals.
func (s *Store) Runs(ctx context.Context, f collector.RunFilter, p collector.Page) ([]*collector.Stored, string, error) {
	runs, next, err := s.runs(ctx, f, p)
	if err != nil {
		return nil, "", s.failed("list runs", err)
	}
	return runs, next, nil
}

func (s *Store) runs(ctx context.Context, f collector.RunFilter, p collector.Page) ([]*collector.Stored, string, error) {
	from, err := start(p.Cursor)
	if err != nil {
		return nil, "", err
	}
	limit := limitOf(p)
	w, err := s.walk(ctx, f)
	if err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			return nil, "", nil // of a node that there is not
		}
		return nil, "", err
	}
	w.and("r.received <= " + w.arg(from.Received) + " AND (r.received, r.id) < (" + w.arg(from.Received) + ", " + w.arg(s.db.id(from.ID)) + ")")
	var bound position
	var bounded bool
	if sifts(f) {
		if bound, bounded, err = s.boundOf(ctx, w); err != nil {
			return nil, "", err
		}
	}
	if bounded {
		w.and("(r.received, r.id) >= (" + w.arg(bound.Received) + ", " + w.arg(s.db.id(bound.ID)) + ")")
	}
	w.filter(f)
	runs, more, err := s.queryRuns(ctx, selectRuns+w.where()+newestFirst+" LIMIT "+w.arg(limit+1), w.args, limit)
	if err != nil {
		return nil, "", err
	}
	if more {
		last := runs[len(runs)-1]
		bound, bounded = position{last.Received.UnixMicro(), last.ID}, true
	}
	if !bounded {
		return runs, "", nil
	}
	next, err := encodeCursor(bound)
	return runs, next, err
}

const newestFirst = " ORDER BY r.received DESC, r.id DESC"

func limitOf(p collector.Page) int { return min(max(p.Limit, 1), collector.MaxPage) }

// walk says which rows an index leads to: those of the node, of the outcome, or all.
func (s *Store) walk(ctx context.Context, f collector.RunFilter) (*query, error) {
	w := new(query)
	if f.Certname != "" {
		var node int64
		if err := s.read.QueryRowContext(ctx, "SELECT id FROM nodes WHERE certname = $1", f.Certname).Scan(&node); err != nil {
			return nil, err
		}
		w.and("r.node = " + w.arg(node))
	} else if f.Outcome != "" && f.Outcome != api.Unchanged {
		w.and("r.outcome = " + w.arg(string(f.Outcome)) + " AND r.outcome <> 'unchanged'")
	}
	if !f.Since.IsZero() {
		w.and("r.received >= " + w.arg(f.Since.UnixMicro()))
	}
	if !f.Until.IsZero() {
		w.and("r.received < " + w.arg(f.Until.UnixMicro()))
	}
	return w, nil
}

// sifts reports whether the filter leaves rows out that walk leads to. Where it does not, the
// page's limit is bound enough.
func sifts(f collector.RunFilter) bool {
	return f.Reason != "" || f.Environment != "" || f.Outcome == api.Unchanged || (f.Outcome != "" && f.Certname != "")
}

// boundOf is the last row that the page looks at; false: there are not that many.
func (s *Store) boundOf(ctx context.Context, w *query) (position, bool, error) {
	var p position
	err := s.read.QueryRowContext(ctx, "SELECT r.received, r.id FROM runs r"+w.where()+newestFirst+
		fmt.Sprintf(" LIMIT 1 OFFSET %d", maxLook-1), w.args...).Scan(&p.Received, (*scanID)(&p.ID))
	if errors.Is(err, sql.ErrNoRows) {
		return p, false, nil
	}
	return p, err == nil, err
}

func (w *query) filter(f collector.RunFilter) {
	if f.Outcome != "" {
		w.and("r.outcome = " + w.arg(string(f.Outcome)))
	}
	if f.Reason != "" {
		w.and("r.traits IN (SELECT id FROM traits WHERE reason = " + w.arg(string(f.Reason)) + ")")
	}
	if f.Environment != "" {
		w.and("r.traits IN (SELECT id FROM traits WHERE environment = " + w.arg(f.Environment) + ")")
	}
}

// queryRuns reads as many runs as a page may have, and reports whether there are more.
func (s *Store) queryRuns(ctx context.Context, q string, args []any, limit int) (runs []*collector.Stored, more bool, err error) {
	rows, err := s.read.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for room := maxPageBytes; rows.Next(); {
		if len(runs) == limit || room <= 0 {
			return runs, true, nil
		}
		run, size, err := s.scanRun(rows)
		if err != nil {
			return nil, false, err
		}
		runs = append(runs, run)
		room -= size
	}
	return runs, false, rows.Err()
}
