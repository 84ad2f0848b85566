package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// Node gives the state of one node.
func (s *Store) Node(ctx context.Context, certname string) (*collector.Node, error) {
	nodes, err := s.queryNodes(ctx, "SELECT "+nodeColumns+" FROM nodes WHERE certname = $1", []any{certname})
	if err == nil && len(nodes) == 0 {
		err = collector.ErrNotFound
	}
	if err != nil {
		return nil, s.failed(fmt.Sprintf("find node %q", certname), err)
	}
	return nodes[0], nil
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
	after, err := textCursor(p.Cursor)
	if err != nil {
		return nil, "", err
	}
	if after != "" {
		q.and("certname > " + q.arg(after))
	}
	if f.Certname != "" {
		q.and("certname = " + q.arg(f.Certname))
	}
	var bound string
	err = s.read.QueryRowContext(ctx, "SELECT certname FROM nodes"+q.where()+
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
	for _, c := range []struct{ column, value string }{
		{"environment", f.Environment}, {"puppet_version", f.PuppetVersion}, {"presence", string(f.Presence)},
	} {
		if c.value != "" {
			q.and(c.column + " = " + q.arg(c.value))
		}
	}
	if f.Disabled != nil && *f.Disabled {
		q.and("disabled IS NOT NULL")
	} else if f.Disabled != nil {
		q.and("disabled IS NULL")
	}
	if f.Trouble != "" {
		var t standing.Troubles
		t.Add(f.Trouble)
		q.and("troubles & " + q.arg(int64(t)) + " <> 0")
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

func (s *Store) queryNodes(ctx context.Context, q string, args []any) ([]*collector.Node, error) {
	states, err := s.queryStates(ctx, q, args)
	if err != nil {
		return nil, err
	}
	var troubled []any
	for _, n := range states {
		if n.troubles != 0 {
			troubled = append(troubled, n.id)
		}
	}
	troubles, err := s.troublesOf(ctx, troubled)
	if err != nil {
		return nil, err
	}
	nodes := make([]*collector.Node, len(states))
	for i, n := range states {
		if nodes[i], err = n.node(); err != nil {
			return nil, fmt.Errorf("node %q: %w", n.certname, err)
		}
		nodes[i].Troubles = troubles[n.id]
	}
	return nodes, nil
}

func (s *Store) queryStates(ctx context.Context, q string, args []any) (states []*nodeState, err error) {
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
		states = append(states, n)
	}
	return states, rows.Err()
}
