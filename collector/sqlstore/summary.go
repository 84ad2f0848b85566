package sqlstore

import (
	"context"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

const summary = `SELECT COALESCE(exec_outcome, ''), COALESCE(exec_reason, ''), presence, troubles, COUNT(*), SUM(dropped),
	SUM(CASE WHEN last_outcome = 'skipped' THEN 1 ELSE 0 END),
	SUM(CASE WHEN disabled IS NULL THEN 0 ELSE 1 END),
	SUM(CASE WHEN start_id IS NULL THEN 0 ELSE 1 END)
	FROM nodes WHERE retired IS NULL GROUP BY 1, 2, 3, 4`

// Summary counts the nodes that are not retired.
func (s *Store) Summary(ctx context.Context) (*collector.Summary, error) {
	sum := &collector.Summary{
		Outcomes: map[api.Outcome]int{}, Reasons: map[api.Reason]int{},
		Presence: map[standing.Presence]int{}, Troubles: map[standing.Trouble]int{}, Acknowledged: map[standing.Trouble]int{},
	}
	if err := s.sum(ctx, sum); err != nil {
		return nil, s.failed("count nodes", err)
	}
	acknowledged, err := s.acknowledged(ctx)
	if err != nil {
		return nil, s.failed("count nodes", err)
	}
	for _, troubles := range acknowledged {
		addTroubles(sum.Acknowledged, troubles, 1)
	}
	return sum, nil
}

func (s *Store) sum(ctx context.Context, sum *collector.Summary) error {
	rows, err := s.read.QueryContext(ctx, summary)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			g                                          group
			nodes, dropped, skipped, disabled, running int
		)
		if err := rows.Scan(&g.outcome, &g.reason, &g.presence, &g.troubles, &nodes, &dropped, &skipped, &disabled, &running); err != nil {
			return err
		}
		sum.Nodes += nodes
		sum.Dropped += dropped
		sum.Skipped += skipped
		sum.Disabled += disabled
		sum.Running += running
		g.addTo(sum, nodes)
	}
	return rows.Err()
}

// group is what the nodes of one row of the summary have in common.
type group struct {
	outcome  api.Outcome
	reason   api.Reason
	presence standing.Presence
	troubles standing.Troubles
}

func (g *group) addTo(sum *collector.Summary, nodes int) {
	sum.Presence[g.presence] += nodes
	addTroubles(sum.Troubles, g.troubles, nodes)
	if g.outcome == "" {
		sum.Never += nodes
		return
	}
	sum.Outcomes[g.outcome] += nodes
	if g.reason != "" {
		sum.Reasons[g.reason] += nodes
	}
}

func addTroubles(counts map[standing.Trouble]int, troubles standing.Troubles, nodes int) {
	for _, t := range troubles.List() {
		counts[t] += nodes
	}
}
