package sqlstore

import (
	"context"
	"database/sql"
	"strings"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// Bounds of what is kept of a failure beside the run itself. An index of PostgreSQL takes no
// more than 2.7 KB of a resource's title.
const (
	maxResource = 512
	maxMessage  = 300
)

// keepFailing keeps what failed in the node's last run, when there is a new one.
func keepFailing(ctx context.Context, tx *sql.Tx, n *nodeState) error {
	if n.finished == nil {
		return nil
	}
	failures := failuresOf(n.finished)
	if n.failing > 0 {
		if _, err := tx.ExecContext(ctx, "DELETE FROM failing WHERE node = $1", n.id); err != nil {
			return err
		}
	}
	n.failing, n.finished = int64(len(failures)), nil
	for _, f := range failures {
		if _, err := tx.ExecContext(ctx, "INSERT INTO failing (node, resource, file, line, message) VALUES ($1, $2, $3, $4, $5)",
			n.id, f.Resource, f.File, f.Line, f.Message); err != nil {
			return err
		}
	}
	return nil
}

// failuresOf are the first failures of each resource.
func failuresOf(run *api.Run) (list []api.Failure) {
	if run.Outcome.Healthy() {
		return nil
	}
	seen := map[string]bool{}
	for _, f := range run.Failures {
		f.Resource, f.File, f.Message = cut(f.Resource, maxResource), cut(f.File, maxResource), cut(f.Message, maxMessage)
		if f.Resource != "" && !seen[f.Resource] {
			seen[f.Resource] = true
			f.Line = min(max(f.Line, 0), 1<<31-1)
			list = append(list, f)
		}
	}
	return list
}

// cut shortens a text to so many bytes, in the middle of no character.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	const dots = "…"
	return strings.ToValidUTF8(s[:most-len(dots)], "") + dots
}

// FailingResources counts the nodes in whose last run each resource failed.
func (s *Store) FailingResources(ctx context.Context, limit int) ([]collector.FailingResource, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT resource, COUNT(*) FROM failing GROUP BY resource ORDER BY 2 DESC, 1 LIMIT $1",
		limitOf(collector.Page{Limit: limit}))
	if err != nil {
		return nil, s.failed("count failing resources", err)
	}
	defer rows.Close()
	list := []collector.FailingResource{}
	for rows.Next() {
		var r collector.FailingResource
		if err := rows.Scan(&r.Resource, &r.Nodes); err != nil {
			return nil, s.failed("count failing resources", err)
		}
		list = append(list, r)
	}
	if err := rows.Err(); err != nil {
		return nil, s.failed("count failing resources", err)
	}
	return list, nil
}

// FailingNodes lists the nodes in whose last run a resource failed.
func (s *Store) FailingNodes(ctx context.Context, resource string, p collector.Page) ([]collector.FailingNode, string, error) {
	after, err := textCursor(p.Cursor)
	if err != nil {
		return nil, "", s.failed("list the nodes where a resource fails", err)
	}
	limit := limitOf(p)
	nodes, err := s.failingNodes(ctx, cut(resource, maxResource), after, limit+1)
	if err != nil {
		return nil, "", s.failed("list the nodes where a resource fails", err)
	}
	if len(nodes) <= limit {
		return nodes, "", nil
	}
	next, err := encodeCursor(nodes[limit-1].Certname)
	return nodes[:limit], next, err
}

func (s *Store) failingNodes(ctx context.Context, resource, after string, limit int) ([]collector.FailingNode, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT n.certname, n.exec_id, n.exec_ended, f.file, f.line, f.message
		FROM failing f JOIN nodes n ON n.id = f.node WHERE f.resource = $1 AND n.certname > $2 ORDER BY n.certname LIMIT $3`,
		resource, after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	nodes := []collector.FailingNode{}
	for rows.Next() {
		var n collector.FailingNode
		var id scanID
		var ended sql.NullInt64
		if err := rows.Scan(&n.Certname, &id, &ended, &n.File, &n.Line, &n.Message); err != nil {
			return nil, err
		}
		n.RunID, n.Ended = string(id), timePtr(ended)
		nodes = append(nodes, n)
	}
	return nodes, rows.Err()
}
