package sqlstore

import (
	"database/sql"
	"fmt"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// row is a final record as the table runs has it, each column's value in the order of
// runColumns. Times are microseconds, durations milliseconds.
type row struct {
	run    *api.Run
	values []any
}

// runColumns are the columns of runs, but for the first three: id, node, received.
const runColumns = `due, started, ended, "trigger", outcome, reason, message, noop, exit_code,
	environment, config_version, puppet_version, agent_version,
	catalog_uuid, catalog_source, transaction_uuid,
	resources_total, resources_skipped, resources_scheduled,
	config_retrieval_ms, catalog_application_ms, total_ms,
	wall_ms, cpu_ms, max_rss,
	interval_ms, offset_ms, next_due, timeout_ms, missed_slots,
	dropped_before, detail`

// newRow makes a run's row. A run that columns cannot hold has all of itself in detail.
func (s *Store) newRow(run *api.Run, node, received int64) (*row, error) {
	var detail any
	if !fitsColumns(run) {
		packed, err := s.details.pack(run)
		if err != nil {
			return nil, err
		}
		detail = packed
	}
	v := make([]any, 0, 35)
	v = append(v, s.db.id(run.ID), node, received, micros(run.Due), micros(run.Started), micros(run.Ended))
	v = append(v, string(run.Trigger), string(run.Outcome), text(run.Reason), text(run.Message))
	v = append(v, flag(run.Noop), exitCode(run.ExitCode))
	v = append(v, text(run.Environment), text(run.ConfigVersion), text(run.PuppetVersion), text(run.AgentVersion))
	catalog := cmpOr(run.Catalog)
	v = append(v, s.db.id(catalog.UUID), text(catalog.Source), s.db.id(run.TransactionUUID))
	v = appendResources(v, run.Resources)
	for _, name := range keptTimings {
		v = append(v, timing(run.TimingsS, name))
	}
	v = appendUsage(v, run.Usage)
	v = appendSchedule(v, run.Schedule)
	v = append(v, count(run.DroppedBefore), detail)
	return &row{run: run, values: v}, nil
}

// keptTimings are the timings that have columns.
var keptTimings = [...]string{"config_retrieval", "catalog_application", "total"}

func timing(all map[string]float64, name string) any {
	s, ok := all[name]
	if !ok || !fitsMillis(s) {
		return nil
	}
	return millis(s)
}

func appendResources(v []any, r *api.Resources) []any {
	if r == nil || !fits32(int64(r.Total)) || !fits32(int64(r.Skipped)) || !fits32(int64(r.Scheduled)) {
		return append(v, nil, nil, nil)
	}
	return append(v, int64(r.Total), count(r.Skipped), count(r.Scheduled))
}

func appendUsage(v []any, u *api.Usage) []any {
	if u == nil || !fitsMillis(u.WallS) || !fitsMillis(u.CPUS) {
		return append(v, nil, nil, nil)
	}
	var cpu, rss any
	if u.CPUS != 0 {
		cpu = millis(u.CPUS)
	}
	if u.MaxRSSBytes != 0 {
		rss = u.MaxRSSBytes
	}
	return append(v, millis(u.WallS), cpu, rss)
}

func appendSchedule(v []any, a *api.Announce) []any {
	if a == nil || !fitsMillis(a.IntervalS) || !fitsMillis(a.TimeoutS) {
		return append(v, nil, nil, nil, nil, nil)
	}
	var offset, timeout any
	if a.OffsetS != nil && fitsMillis(*a.OffsetS) {
		offset = millis(*a.OffsetS)
	}
	if a.TimeoutS != 0 {
		timeout = millis(a.TimeoutS)
	}
	return append(v, millis(a.IntervalS), offset, micros(a.NextDue), timeout, count(a.MissedSlots))
}

func flag(b bool) any {
	if !b {
		return nil
	}
	return int64(1)
}

func exitCode(code *int) any {
	if code == nil || !fits32(int64(*code)) {
		return nil
	}
	return int64(*code)
}

func cmpOr[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// scanRun reads the columns id, received, certname and runColumns.
func scanRun(rows interface{ Scan(...any) error }) (*collector.Stored, error) {
	var (
		c        scanned
		st       collector.Stored
		received int64
	)
	run := &st.Run
	if err := rows.Scan(append([]any{(*scanID)(&run.ID), &received, &run.Certname}, c.dests()...)...); err != nil {
		return nil, err
	}
	st.Received = timeOf(received)
	if c.detail == nil {
		c.fill(run)
		return &st, nil
	}
	id := run.ID
	if err := unpackDetail(c.detail, run); err != nil {
		return nil, fmt.Errorf("the detail of run %s cannot be read: %w", id, err)
	}
	return &st, nil
}

// scanned is runColumns as they are read.
type scanned struct {
	due, started, ended, nextDue                            sql.NullInt64
	trigger, outcome, reason, message                       sql.NullString
	noop, exit                                              sql.NullInt64
	environment, configVersion, puppetVersion, agentVersion sql.NullString
	catalog, transaction                                    scanID
	source                                                  sql.NullString
	total, skipped, scheduled                               sql.NullInt64
	timings                                                 [len(keptTimings)]sql.NullInt64
	wall, cpu, rss                                          sql.NullInt64
	interval, offset, timeout, missed, dropped              sql.NullInt64
	detail                                                  []byte
}

func (c *scanned) dests() []any {
	return []any{
		&c.due, &c.started, &c.ended, &c.trigger, &c.outcome, &c.reason, &c.message, &c.noop, &c.exit,
		&c.environment, &c.configVersion, &c.puppetVersion, &c.agentVersion,
		&c.catalog, &c.source, &c.transaction,
		&c.total, &c.skipped, &c.scheduled,
		&c.timings[0], &c.timings[1], &c.timings[2],
		&c.wall, &c.cpu, &c.rss,
		&c.interval, &c.offset, &c.nextDue, &c.timeout, &c.missed,
		&c.dropped, &c.detail,
	}
}

// fill makes the run that the columns hold.
func (c *scanned) fill(run *api.Run) {
	run.Schema = api.SchemaVersion
	run.Due, run.Started, run.Ended = timePtr(c.due), timePtr(c.started), timePtr(c.ended)
	run.Trigger, run.Outcome, run.Reason = api.Trigger(c.trigger.String), api.Outcome(c.outcome.String), api.Reason(c.reason.String)
	run.Message, run.Noop = c.message.String, c.noop.Int64 != 0
	if c.exit.Valid {
		code := int(c.exit.Int64)
		run.ExitCode = &code
	}
	run.Environment, run.ConfigVersion = c.environment.String, c.configVersion.String
	run.PuppetVersion, run.AgentVersion = c.puppetVersion.String, c.agentVersion.String
	if c.catalog != "" || c.source.Valid {
		run.Catalog = &api.Catalog{UUID: string(c.catalog), Source: api.CatalogSource(c.source.String)}
	}
	run.TransactionUUID = string(c.transaction)
	if c.total.Valid {
		run.Resources = &api.Resources{Total: int(c.total.Int64), Skipped: int(c.skipped.Int64), Scheduled: int(c.scheduled.Int64)}
	}
	for i, name := range keptTimings {
		if c.timings[i].Valid {
			if run.TimingsS == nil {
				run.TimingsS = make(map[string]float64, len(keptTimings))
			}
			run.TimingsS[name] = seconds(c.timings[i].Int64)
		}
	}
	if c.wall.Valid {
		run.Usage = &api.Usage{WallS: seconds(c.wall.Int64), CPUS: seconds(c.cpu.Int64), MaxRSSBytes: c.rss.Int64}
	}
	run.Schedule = c.schedule()
	run.DroppedBefore = int(c.dropped.Int64)
}

func (c *scanned) schedule() *api.Announce {
	if !c.interval.Valid {
		return nil
	}
	a := &api.Announce{
		IntervalS: seconds(c.interval.Int64), TimeoutS: seconds(c.timeout.Int64),
		NextDue: timePtr(c.nextDue), MissedSlots: int(c.missed.Int64),
	}
	if c.offset.Valid {
		offset := seconds(c.offset.Int64)
		a.OffsetS = &offset
	}
	return a
}
