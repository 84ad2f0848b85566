package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// Node gives the state of one node.
func (s *Store) Node(ctx context.Context, certname string) (*collector.Node, error) {
	n := new(nodeState)
	err := s.read.QueryRowContext(ctx, "SELECT "+nodeColumns+" FROM nodes WHERE certname = $1", certname).Scan(n.dests()...)
	if err != nil {
		return nil, s.failed(fmt.Sprintf("find node %q", certname), err)
	}
	node, err := n.node()
	if err != nil {
		return nil, s.failed(fmt.Sprintf("read node %q", certname), err)
	}
	return node, nil
}

// Nodes lists nodes.
func (s *Store) Nodes(ctx context.Context, f collector.NodeFilter, p collector.Page) ([]*collector.Node, string, error) {
	nodes, next, err := s.nodes(ctx, f, p)
	if err != nil {
		return nil, "", s.failed("list nodes", err)
	}
	return nodes, next, nil
}

func (s *Store) nodes(ctx context.Context, f collector.NodeFilter, p collector.Page) ([]*collector.Node, string, error) {
	q := new(query)
	if p.Cursor != "" {
		var after string
		if err := decodeCursor(p.Cursor, &after); err != nil {
			return nil, "", err
		}
		q.and("certname > " + q.arg(after))
	}
	if f.Certname != "" {
		q.and("certname = " + q.arg(f.Certname))
	}
	var bound string
	err := s.read.QueryRowContext(ctx, "SELECT certname FROM nodes"+q.where()+
		fmt.Sprintf(" ORDER BY certname LIMIT 1 OFFSET %d", maxLook-1), q.args...).Scan(&bound)
	switch {
	case err == nil:
		q.and("certname <= " + q.arg(bound))
	case !errors.Is(err, sql.ErrNoRows):
		return nil, "", err
	}
	q.nodes(f)
	limit := limitOf(p)
	nodes, err := s.queryNodes(ctx, "SELECT "+nodeColumns+" FROM nodes"+q.where()+" ORDER BY certname LIMIT "+q.arg(limit+1), q.args)
	if err != nil {
		return nil, "", err
	}
	if len(nodes) > limit {
		nodes = nodes[:limit]
		bound = nodes[limit-1].Certname
	}
	if bound == "" {
		return nodes, "", nil
	}
	next, err := encodeCursor(bound)
	return nodes, next, err
}

// nodes adds the conditions of a filter.
func (q *query) nodes(f collector.NodeFilter) {
	if f.Retired {
		q.and("retired IS NOT NULL")
	} else {
		q.and("retired IS NULL")
	}
	for _, c := range []struct{ column, value string }{{"environment", f.Environment}, {"puppet_version", f.PuppetVersion}} {
		if c.value != "" {
			q.and(c.column + " = " + q.arg(c.value))
		}
	}
	if f.Disabled != nil && *f.Disabled {
		q.and("disabled IS NOT NULL")
	} else if f.Disabled != nil {
		q.and("disabled IS NULL")
	}
	by := "exec"
	if f.Outcome == api.Skipped {
		by = "last"
	}
	if f.Outcome != "" {
		q.and(by + "_outcome = " + q.arg(string(f.Outcome)))
	}
	switch {
	case f.Reason == "":
	case f.Outcome != "":
		q.and(by + "_reason = " + q.arg(string(f.Reason)))
	default:
		reason := q.arg(string(f.Reason))
		q.and("(last_reason = " + reason + " OR exec_reason = " + reason + ")")
	}
}

func (s *Store) queryNodes(ctx context.Context, q string, args []any) (nodes []*collector.Node, err error) {
	rows, err := s.read.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		n := new(nodeState)
		if err := rows.Scan(n.dests()...); err != nil {
			return nil, err
		}
		node, err := n.node()
		if err != nil {
			return nil, fmt.Errorf("node %q: %w", n.certname, err)
		}
		nodes = append(nodes, node)
	}
	return nodes, rows.Err()
}

// Retire takes a node out of lists and counts. One that is retired already stays so since then.
func (s *Store) Retire(ctx context.Context, certname string, at time.Time) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		s.db.forget()
		n := new(nodeState)
		err := tx.QueryRowContext(ctx, "UPDATE nodes SET retired = COALESCE(retired, $1), slot = NULL, slot_ms = NULL WHERE certname = $2 RETURNING id",
			at.UnixMicro(), certname).Scan(&n.id)
		if errors.Is(err, sql.ErrNoRows) {
			return collector.ErrNotFound
		}
		if err == nil {
			err = s.db.lockSlots(ctx, tx)
		}
		if err != nil {
			return err
		}
		return freeSlot(ctx, tx, n)
	})
	if err != nil {
		return s.failed(fmt.Sprintf("retire node %q", certname), err)
	}
	return nil
}

const summary = `SELECT COALESCE(exec_outcome, ''), COALESCE(exec_reason, ''), COUNT(*), SUM(dropped),
	SUM(CASE WHEN last_outcome = 'skipped' THEN 1 ELSE 0 END),
	SUM(CASE WHEN disabled IS NULL THEN 0 ELSE 1 END),
	SUM(CASE WHEN start_id IS NULL THEN 0 ELSE 1 END)
	FROM nodes WHERE retired IS NULL GROUP BY 1, 2`

// Summary counts the nodes that are not retired.
func (s *Store) Summary(ctx context.Context) (*collector.Summary, error) {
	sum := &collector.Summary{Outcomes: map[api.Outcome]int{}, Reasons: map[api.Reason]int{}}
	rows, err := s.read.QueryContext(ctx, summary)
	if err != nil {
		return nil, s.failed("count nodes", err)
	}
	defer rows.Close()
	for rows.Next() {
		var (
			outcome                                    api.Outcome
			reason                                     api.Reason
			nodes, dropped, skipped, disabled, running int
		)
		if err := rows.Scan(&outcome, &reason, &nodes, &dropped, &skipped, &disabled, &running); err != nil {
			return nil, s.failed("count nodes", err)
		}
		sum.Nodes += nodes
		sum.Dropped += dropped
		sum.Skipped += skipped
		sum.Disabled += disabled
		sum.Running += running
		if outcome == "" {
			sum.Never += nodes
			continue
		}
		sum.Outcomes[outcome] += nodes
		if reason != "" {
			sum.Reasons[reason] += nodes
		}
	}
	if err := rows.Err(); err != nil {
		return nil, s.failed("count nodes", err)
	}
	return sum, nil
}
