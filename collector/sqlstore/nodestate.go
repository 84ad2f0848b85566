package sqlstore

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"math"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// nodeState is a node's row. Times are microseconds.
type nodeState struct {
	id                  int64
	certname            string
	firstSeen, lastSeen int64

	last, executed lastRun
	start          lastStart
	startBefore    scanID   // what start was when the row was read
	startRun       *api.Run // what start is, when it is new

	environment, puppetVersion, agentVersion sql.NullString
	disabled                                 sql.NullString // JSON
	intervalS, timeoutS                      sql.NullFloat64
	nextDue                                  sql.NullInt64
	slot, slotMS                             sql.NullInt64 // the slot, and the interval that it is of
	dropped                                  int64
	retired                                  sql.NullInt64

	stand
	finished *api.Run // the final that became the last one of an executed run, when it is new
}

// lastRun is the last run of a kind; at is where it stands in time.
type lastRun struct {
	at              sql.NullInt64
	id              scanID
	outcome, reason sql.NullString
	message         sql.NullString
	ended           sql.NullInt64
}

// lastStart is the run in progress.
type lastStart struct {
	at       sql.NullInt64
	id       scanID
	started  sql.NullInt64
	received sql.NullInt64
}

// nodeColumns are all columns of nodes.
const nodeColumns = `id, certname, first_seen, last_seen,
	last_at, last_id, last_outcome, last_reason, last_message, last_ended,
	exec_at, exec_id, exec_outcome, exec_reason, exec_message, exec_ended,
	start_at, start_id, start_started, start_received,
	environment, puppet_version, agent_version, disabled,
	interval_s, next_due, timeout_s, slot, slot_ms, dropped, retired, ` + standColumns

func (n *nodeState) dests() []any {
	return append([]any{
		&n.id, &n.certname, &n.firstSeen, &n.lastSeen,
		&n.last.at, &n.last.id, &n.last.outcome, &n.last.reason, &n.last.message, &n.last.ended,
		&n.executed.at, &n.executed.id, &n.executed.outcome, &n.executed.reason, &n.executed.message, &n.executed.ended,
		&n.start.at, &n.start.id, &n.start.started, &n.start.received,
		&n.environment, &n.puppetVersion, &n.agentVersion, &n.disabled,
		&n.intervalS, &n.nextDue, &n.timeoutS, &n.slot, &n.slotMS, &n.dropped, &n.retired,
	}, n.stand.dests()...)
}

// values are what the node's row is set to: nodeColumns from the fourth on.
func (n *nodeState) values(id func(string) any) []any {
	return append([]any{
		n.lastSeen,
		value(n.last.at), id(string(n.last.id)), value(n.last.outcome), value(n.last.reason), value(n.last.message), value(n.last.ended),
		value(n.executed.at), id(string(n.executed.id)), value(n.executed.outcome), value(n.executed.reason), value(n.executed.message), value(n.executed.ended),
		value(n.start.at), id(string(n.start.id)), value(n.start.started), value(n.start.received),
		value(n.environment), value(n.puppetVersion), value(n.agentVersion), value(n.disabled),
		value(n.intervalS), value(n.nextDue), value(n.timeoutS), value(n.slot), value(n.slotMS), n.dropped, value(n.retired),
	}, n.stand.values()...)
}

// seen notes that the node has spoken: it is back if it was retired.
func (n *nodeState) seen(received int64) {
	n.lastSeen = max(n.lastSeen, received)
	n.retired = sql.NullInt64{}
}

// effective is where a run stands in time: at its end, yet no later than it was received,
// for a clock that is ahead must not outrun all that comes after.
func effective(run *api.Run, received int64) int64 {
	t := run.Ended
	if !run.Outcome.Executed() && t == nil {
		t = run.Started
	}
	if t == nil {
		return received
	}
	return min(t.UnixMicro(), received)
}

// maxDropped bounds what is counted of one node: nodes that make numbers up must leave the
// sum over all of them one that fits.
const maxDropped = 1 << 40

// finish takes a final that has been stored now into the state.
func (n *nodeState) finish(run *api.Run, received int64) error {
	n.dropped = min(n.dropped+min(int64(max(run.DroppedBefore, 0)), maxDropped), maxDropped)
	at := effective(run, received)
	if run.Outcome.Executed() && n.executed.before(at, run.ID) {
		n.executed = newLastRun(run, at)
		n.count(run)
		if n.outlived(n.start.at) {
			n.start, n.startRun = lastStart{}, nil
		}
		n.finished = run
		keep(&n.environment, run.Environment)
		keep(&n.puppetVersion, run.PuppetVersion)
	}
	if !n.last.before(at, run.ID) {
		n.expect(run, received, false)
		return nil
	}
	n.last = newLastRun(run, at)
	keep(&n.agentVersion, run.AgentVersion)
	n.announce(run.Schedule)
	n.expect(run, received, true)
	return n.disable(run.Disabled)
}

func (l *lastRun) before(at int64, id string) bool {
	return !l.at.Valid || cmp.Or(cmp.Compare(l.at.Int64, at), cmp.Compare(string(l.id), id)) < 0
}

func newLastRun(run *api.Run, at int64) lastRun {
	return lastRun{
		at: number(at), id: scanID(run.ID), ended: timeNumber(run.Ended),
		outcome: words(run.Outcome), reason: words(run.Reason), message: words(run.Message),
	}
}

// begin takes a start into the state, and reports whether it is the last one.
func (n *nodeState) begin(run *api.Run, received int64) bool {
	at := effective(run, received)
	if n.outlived(number(at)) || n.start.at.Valid && cmp.Or(cmp.Compare(n.start.at.Int64, at), cmp.Compare(string(n.start.id), run.ID)) >= 0 {
		return false
	}
	if a := run.Schedule; a != nil && a.TimeoutS > 0 {
		n.timeoutS = positive(a.TimeoutS)
	}
	n.start = lastStart{at: number(at), id: scanID(run.ID), started: timeNumber(run.Started), received: number(received)}
	n.startRun = run
	return true
}

// end takes the run out of progress, so that the start of the next one, which may have come
// with it, is the last one.
func (n *nodeState) end(run *api.Run) {
	if string(n.start.id) == run.ID {
		n.start = lastStart{}
	}
}

// announce keeps what a run says nothing of: one that a person asked for knows its timeout,
// and nothing of the schedule. A node whose interval were forgotten would lose its slot.
func (n *nodeState) announce(a *api.Announce) {
	if a == nil {
		return
	}
	if v := positive(a.IntervalS); v.Valid {
		n.intervalS = v
	}
	if v := positive(a.TimeoutS); v.Valid {
		n.timeoutS = v
	}
	if v := timeNumber(a.NextDue); v.Valid {
		n.nextDue = v
	}
	if v := whole(a.UTCOffsetS); v.Valid {
		n.utcOffset = v
	}
}

func (n *nodeState) disable(d *api.DisableInfo) error {
	n.disabled = sql.NullString{}
	if d == nil {
		return nil
	}
	text, err := json.Marshal(d)
	n.disabled = sql.NullString{String: string(text), Valid: err == nil}
	return err
}

// interval is that of the node in milliseconds, 0 when it is not known.
func (n *nodeState) interval() int64 {
	const most = 1 << 50 // far from where a float is no longer exact
	ms := n.intervalS.Float64 * 1000
	if !(ms >= 1) || ms > most {
		return 0
	}
	return int64(math.Round(ms))
}

// node is the state as the collector knows it.
func (n *nodeState) node() (*collector.Node, error) {
	node := &collector.Node{
		Certname: n.certname, FirstSeen: timeOf(n.firstSeen), LastSeen: timeOf(n.lastSeen),
		Last: n.last.brief(), LastExecuted: n.executed.brief(),
		Environment: n.environment.String, PuppetVersion: n.puppetVersion.String, AgentVersion: n.agentVersion.String,
		IntervalS: n.intervalS.Float64, NextDue: timePtr(n.nextDue), TimeoutS: n.timeoutS.Float64,
		Slot: n.fraction(), Dropped: int(n.dropped), Retired: timePtr(n.retired),
		Presence: n.presence, Expected: timePtr(n.expected), Streak: int(n.streak),
		CertificateEnds: timePtr(n.certEnds), UTCOffsetS: wholePtr(n.utcOffset),
	}
	if n.start.at.Valid {
		node.Running = &collector.Begun{ID: string(n.start.id), Started: timePtr(n.start.started), Received: timeOf(n.start.received.Int64)}
	}
	if n.disabled.Valid {
		node.Disabled = new(api.DisableInfo)
		if err := json.Unmarshal([]byte(n.disabled.String), node.Disabled); err != nil {
			return nil, err
		}
	}
	return node, nil
}

func (l *lastRun) brief() *collector.Brief {
	if !l.at.Valid {
		return nil
	}
	return &collector.Brief{
		ID: string(l.id), Outcome: api.Outcome(l.outcome.String), Reason: api.Reason(l.reason.String),
		Message: l.message.String, Ended: timePtr(l.ended),
	}
}
