package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// Fleet gives a line of every node.
func (s *Store) Fleet(ctx context.Context) ([]collector.Line, error) {
	acknowledged, err := s.acknowledged(ctx)
	if err != nil {
		return nil, s.failed("list the fleet", err)
	}
	rows, err := s.read.QueryContext(ctx, `SELECT id, certname, COALESCE(environment, ''), COALESCE(puppet_version, ''), last_seen,
		COALESCE(exec_outcome, ''), COALESCE(exec_reason, ''), exec_id, exec_ended, COALESCE(exec_ms, 0),
		CASE WHEN last_outcome = 'skipped' THEN COALESCE(last_reason, 'unknown') ELSE '' END,
		CASE WHEN disabled IS NULL THEN 0 ELSE 1 END, CASE WHEN start_id IS NULL THEN 0 ELSE 1 END,
		presence, troubles, dropped FROM nodes WHERE retired IS NULL ORDER BY certname`)
	if err != nil {
		return nil, s.failed("list the fleet", err)
	}
	defer rows.Close()
	var lines []collector.Line
	for rows.Next() {
		var (
			l              collector.Line
			node, seen, ms int64
			id             scanID
			ended          sql.NullInt64
		)
		if err := rows.Scan(&node, &l.Certname, &l.Environment, &l.PuppetVersion, &seen, &l.Outcome, &l.Reason, &id, &ended, &ms,
			&l.Skipped, &l.Disabled, &l.Running, &l.Presence, &l.Troubles, &l.Dropped); err != nil {
			return nil, s.failed("list the fleet", err)
		}
		l.LastSeen, l.ID, l.Ended, l.Took = timeOf(seen), string(id), timePtr(ended), time.Duration(ms)*time.Millisecond
		l.Acknowledged = acknowledged[node]
		lines = append(lines, l)
	}
	if err := rows.Err(); err != nil {
		return nil, s.failed("list the fleet", err)
	}
	return lines, nil
}

// acknowledged are the troubles of each node that somebody looks after.
func (s *Store) acknowledged(ctx context.Context) (map[int64]standing.Troubles, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT node, kind FROM troubles WHERE acked_at IS NOT NULL")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[int64]standing.Troubles{}
	for rows.Next() {
		var node int64
		var kind standing.Trouble
		if err := rows.Scan(&node, &kind); err != nil {
			return nil, err
		}
		t := all[node]
		t.Add(kind)
		all[node] = t
	}
	return all, rows.Err()
}

// troublesOf gives the troubles of nodes by their ids.
func (s *Store) troublesOf(ctx context.Context, ids []any) (map[int64][]collector.TroubleOfNode, error) {
	all := map[int64][]collector.TroubleOfNode{}
	if len(ids) == 0 {
		return all, nil
	}
	rows, err := s.read.QueryContext(ctx, `SELECT node, kind, since, reason, acked_at, acked_by, acked_comment FROM troubles
		WHERE node IN (`+parameters(len(ids))+`)`, ids...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			node, since int64
			t           collector.TroubleOfNode
			at          sql.NullInt64
			by, comment sql.NullString
		)
		if err := rows.Scan(&node, &t.Kind, &since, &t.Reason, &at, &by, &comment); err != nil {
			return nil, err
		}
		t.Since = timeOf(since)
		if at.Valid {
			t.Acknowledged = &collector.Acknowledgement{At: timeOf(at.Int64), By: by.String, Comment: comment.String}
		}
		all[node] = append(all[node], t)
	}
	for _, troubles := range all {
		slices.SortFunc(troubles, func(a, b collector.TroubleOfNode) int {
			return slices.Index(standing.All(), a.Kind) - slices.Index(standing.All(), b.Kind)
		})
	}
	return all, rows.Err()
}

// Activity counts what was received. Which runs they are the index by time of receipt tells.
func (s *Store) Activity(ctx context.Context, from, until time.Time) ([]collector.Minute, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT received / 60000000, outcome, `+bucketOf("wall_ms")+`, COUNT(*) FROM runs
		WHERE received >= $1 AND received < $2 GROUP BY 1, 2, 3 ORDER BY 1`, from.UnixMicro(), until.UnixMicro())
	if err != nil {
		return nil, s.failed("count runs by the minute", err)
	}
	defer rows.Close()
	var minutes []collector.Minute
	for rows.Next() {
		var (
			minute  int64
			outcome api.Outcome
			bucket  sql.NullInt64
			n       int
		)
		if err := rows.Scan(&minute, &outcome, &bucket, &n); err != nil {
			return nil, s.failed("count runs by the minute", err)
		}
		at := time.Unix(minute*60, 0).UTC()
		if len(minutes) == 0 || !minutes[len(minutes)-1].At.Equal(at) {
			minutes = append(minutes, collector.Minute{At: at, Outcomes: map[api.Outcome]int{}})
		}
		m := &minutes[len(minutes)-1]
		m.Outcomes[outcome] += n
		if bucket.Valid && outcome.Executed() {
			m.Took[bucket.Int64] += n
		}
	}
	if err := rows.Err(); err != nil {
		return nil, s.failed("count runs by the minute", err)
	}
	return minutes, nil
}

// bucketOf is the number of the bucket of collector.Minute.Took that a column's milliseconds are in.
func bucketOf(column string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CASE WHEN %s IS NULL THEN NULL", column)
	for i, bound := range collector.TookBounds {
		fmt.Fprintf(&b, " WHEN %s <= %d THEN %d", column, bound.Milliseconds(), i)
	}
	fmt.Fprintf(&b, " ELSE %d END", len(collector.TookBounds))
	return b.String()
}
