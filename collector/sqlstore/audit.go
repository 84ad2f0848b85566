package sqlstore

import (
	"context"
	"math"

	"github.com/puppet-cron/puppet-cron/collector"
)

// Audit notes a change. Entries are kept for a year.
func (s *Store) Audit(ctx context.Context, e collector.AuditEntry) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO audit (at, actor, remote, action, target, result, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		e.At.UnixMicro(), e.Actor, e.Remote, e.Action, e.Target, e.Result, e.Detail)
	if err != nil {
		return s.failed("write the audit log", err)
	}
	return nil
}

// AuditLog lists the entries, the one that was written last first.
func (s *Store) AuditLog(ctx context.Context, p collector.Page) ([]collector.AuditEntry, string, error) {
	before := int64(math.MaxInt64)
	if p.Cursor != "" {
		if err := decodeCursor(p.Cursor, &before); err != nil {
			return nil, "", s.failed("list the audit log", err)
		}
	}
	entries, next, err := s.auditLog(ctx, before, limitOf(p))
	if err != nil {
		return nil, "", s.failed("list the audit log", err)
	}
	return entries, next, nil
}

func (s *Store) auditLog(ctx context.Context, before int64, limit int) ([]collector.AuditEntry, string, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id, at, actor, remote, action, target, result, detail
		FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2`, before, limit+1)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	var entries []collector.AuditEntry
	for rows.Next() {
		if len(entries) == limit {
			next, err := encodeCursor(before)
			return entries, next, err
		}
		var e collector.AuditEntry
		var at int64
		if err := rows.Scan(&before, &at, &e.Actor, &e.Remote, &e.Action, &e.Target, &e.Result, &e.Detail); err != nil {
			return nil, "", err
		}
		e.At = timeOf(at)
		entries = append(entries, e)
	}
	return entries, "", rows.Err()
}
