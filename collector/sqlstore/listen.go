package sqlstore

import (
	"context"
	"time"

	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// maxBreak is for how long nobody may have listened without that it counts: nodes that found nobody
// come again within their grace.
const maxBreak = time.Minute

// maxSkew is how far the clocks of collectors may be apart. A time further ahead than that was
// noted by a clock that has been set since.
const maxSkew = time.Hour

// Listen notes that nodes are listened to.
func (s *Store) Listen(ctx context.Context, now time.Time) error {
	var since int64
	err := s.write.QueryRowContext(ctx, `INSERT INTO listening (one, since, until) VALUES (1, $1, $1)
		ON CONFLICT (one) DO UPDATE SET
			since = CASE
				WHEN $1 - listening.until > $2 OR listening.until - $1 > $3 THEN $1
				WHEN listening.since > $1 THEN $1
				ELSE listening.since END,
			until = CASE WHEN listening.until > $1 AND listening.until - $1 <= $3 THEN listening.until ELSE $1 END
		RETURNING since`, now.UnixMicro(), maxBreak.Microseconds(), maxSkew.Microseconds()).Scan(&since)
	if err != nil {
		return s.failed("note that nodes are listened to", err)
	}
	s.since.Store(since)
	return nil
}

// facts are what the node is judged by.
func (s *Store) facts(n *nodeState) standing.Facts {
	f := n.facts()
	if since := s.since.Load(); since > 0 {
		f.Heard = timeOf(since).Add(standing.ReportWithin)
	}
	return f
}
