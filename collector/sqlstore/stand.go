package sqlstore

import (
	"database/sql"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// stand is how a node stands, and what that is judged by. Times are microseconds.
type stand struct {
	expected  sql.NullInt64
	presence  standing.Presence
	troubles  int64 // standing.Troubles
	streak    int64
	tookMS    sql.NullInt64 // of the last executed run
	certEnds  sql.NullInt64
	utcOffset sql.NullInt64
	failing   int64 // rows in the table failing
	deadline  sql.NullInt64
}

const standColumns = `expected, presence, troubles, streak, exec_ms, cert_ends, utc_offset_s, failing, deadline`

func (s *stand) dests() []any {
	return []any{&s.expected, &s.presence, &s.troubles, &s.streak, &s.tookMS, &s.certEnds, &s.utcOffset, &s.failing, &s.deadline}
}

func (s *stand) values() []any {
	return []any{
		value(s.expected), string(s.presence), s.troubles, s.streak, value(s.tookMS), value(s.certEnds), value(s.utcOffset),
		s.failing, value(s.deadline),
	}
}

const (
	maxExpected = 366 * 24 * time.Hour // a node's `every` is no longer beside windows
	maxTook     = time.Hour            // of a run whose timeout is not known
)

// count goes on with the runs in a row that were not healthy. Retries are of the same outage:
// a short one must not look like many runs.
func (n *nodeState) count(run *api.Run) {
	switch {
	case run.Outcome.Healthy():
		n.streak = 0
	case run.Outcome.Known() && (run.Trigger != api.Retry || n.streak == 0):
		n.streak++
	}
	n.tookMS = sql.NullInt64{}
	if run.Usage != nil && fitsMillis(run.Usage.WallS) {
		n.tookMS = number(millis(run.Usage.WallS))
	}
}

// outlived reports whether a run that began then is over, though its final never came: a node
// has one run at a time, and this one has ended since.
func (n *nodeState) outlived(begun sql.NullInt64) bool {
	return begun.Valid && n.executed.at.Valid && begun.Int64 < n.executed.at.Int64
}

// expect reckons when the node's next run should have ended, by our clock: of the node's own
// only the time between its run and the next one counts. A run that is not the last by the
// node's clock, which may have been set back, shows that the node is there as well.
func (n *nodeState) expect(run *api.Run, received int64, newest bool) {
	interval := n.interval()
	if interval == 0 {
		n.expected = sql.NullInt64{}
		return
	}
	wait := time.Duration(interval) * time.Millisecond
	spoke := run.Ended
	if spoke == nil {
		spoke = run.Started
	}
	if a := run.Schedule; a != nil && a.NextDue != nil && spoke != nil {
		if d := a.NextDue.Sub(*spoke); d > 0 {
			wait = d
		}
	}
	expected := received + (min(wait, maxExpected) + n.took()).Microseconds()
	if newest || !n.expected.Valid || n.expected.Int64 < expected {
		n.expected = number(expected)
	}
}

func (n *nodeState) took() time.Duration {
	most := maxTook
	if t := n.timeout(); t > 0 {
		most = t
	}
	return min(time.Duration(n.tookMS.Int64)*time.Millisecond, most)
}

func (n *nodeState) timeout() time.Duration {
	return time.Duration(min(n.timeoutS.Float64, maxExpected.Seconds()) * float64(time.Second))
}

// facts are what is known of the node itself.
func (n *nodeState) facts() standing.Facts {
	return standing.Facts{
		Presence: n.presence, Troubles: standing.Troubles(n.troubles),
		LastSeen: timeOf(n.lastSeen), Expected: timeOrZero(n.expected),
		Interval: min(time.Duration(min(n.interval(), maxExpected.Milliseconds()))*time.Millisecond, maxExpected),
		Begun:    timeOrZero(n.start.received), Timeout: n.timeout(),
		Outcome: api.Outcome(n.executed.outcome.String), Streak: int(n.streak), CertificateEnds: timeOrZero(n.certEnds),
	}
}
