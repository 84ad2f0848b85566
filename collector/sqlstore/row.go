package sqlstore

import (
	"database/sql"
	"fmt"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// row is a final record as the table runs has it, each value in the order of runColumns.
// Times are microseconds, durations milliseconds.
type row []any

// runColumns are all columns of runs.
const runColumns = `id, received, due, started, ended, next_due, max_rss, node, traits,
	config_retrieval_ms, catalog_application_ms, total_ms, wall_ms, cpu_ms, offset_ms,
	missed_slots, dropped_before, catalog_uuid, transaction_uuid,
	outcome, config_version, message, detail`

// newRow makes a run's row. A run that columns cannot hold has all of itself in detail, and
// there are columns only for what it can be found by.
func (s *Store) newRow(run *api.Run, node, traits, received int64) (row, error) {
	r := row{s.db.id(run.ID), received}
	tail := []any{string(run.Outcome), nil, nil, nil}
	if !fitsColumns(run) {
		packed, err := s.details.pack(run)
		tail[3] = packed
		r = append(r, nil, nil, nil, nil, nil, node, traits)
		numbers := make([]any, 10)
		if run.Usage != nil && fitsMillis(run.Usage.WallS) {
			numbers[len(keptTimings)] = wall(run.Usage) // for Activity
		}
		return append(append(r, numbers...), tail...), err
	}
	schedule, catalog := orZero(run.Schedule), orZero(run.Catalog)
	r = append(r, micros(run.Due), micros(run.Started), micros(run.Ended), micros(schedule.NextDue), rss(run.Usage), node, traits)
	for _, name := range keptTimings {
		r = append(r, timing(run.TimingsS, name))
	}
	r = append(r, wall(run.Usage), cpu(run.Usage), offset(run.Schedule), count(schedule.MissedSlots), count(run.DroppedBefore))
	r = append(r, s.db.id(catalog.UUID), s.db.id(run.TransactionUUID))
	tail[1] = text(run.ConfigVersion)
	if !commonMessage(run) {
		tail[2] = text(run.Message)
	}
	return append(r, tail...), nil
}

// keptTimings are the timings that have columns.
var keptTimings = [...]string{"config_retrieval", "catalog_application", "total"}

func timing(all map[string]float64, name string) any {
	s, ok := all[name]
	if !ok {
		return nil
	}
	return millis(s)
}

func rss(u *api.Usage) any {
	if u == nil || u.MaxRSSBytes == 0 {
		return nil
	}
	return u.MaxRSSBytes
}

func wall(u *api.Usage) any {
	if u == nil {
		return nil
	}
	return millis(u.WallS)
}

func cpu(u *api.Usage) any {
	if u == nil || u.CPUS == 0 {
		return nil
	}
	return millis(u.CPUS)
}

func offset(a *api.Announce) any {
	if a == nil || a.OffsetS == nil {
		return nil
	}
	return millis(*a.OffsetS)
}

// scanRun reads selectRuns. The size is that of what was unpacked.
func (s *Store) scanRun(rows interface{ Scan(...any) error }) (run *collector.Stored, size int, err error) {
	var c scanned
	if err := rows.Scan(c.dests()...); err != nil {
		return nil, 0, err
	}
	st := &collector.Stored{Received: timeOf(c.received)}
	if c.detail == nil {
		c.fill(&st.Run)
		return st, 0, nil
	}
	if size, err = s.details.unpack(c.detail, &st.Run); err != nil {
		return nil, 0, fmt.Errorf("the detail of run %s cannot be read: %w", c.id, err)
	}
	return st, size, nil
}

// selectRuns gives runs whole. A join would let the database begin with the nodes.
const selectRuns = `SELECT r.id, r.received, r.due, r.started, r.ended, r.next_due, r.max_rss,
	r.config_retrieval_ms, r.catalog_application_ms, r.total_ms, r.wall_ms, r.cpu_ms, r.offset_ms,
	r.missed_slots, r.dropped_before, r.catalog_uuid, r.transaction_uuid,
	r.outcome, r.config_version, COALESCE(r.message, t.message), r.detail,
	(SELECT certname FROM nodes WHERE nodes.id = r.node), ` + traitColumnsOfT + `
	FROM runs r LEFT JOIN traits t ON t.id = r.traits`

// scanned is a row of selectRuns.
type scanned struct {
	id                                scanID
	received                          int64
	due, started, ended, nextDue, rss sql.NullInt64
	timings                           [len(keptTimings)]sql.NullInt64
	wall, cpu, offset                 sql.NullInt64
	missed, dropped                   sql.NullInt64
	catalog, transaction              scanID
	outcome                           string
	configVersion, message            sql.NullString
	detail                            []byte
	certname                          sql.NullString
	traits                            traits
}

func (c *scanned) dests() []any {
	return append([]any{
		&c.id, &c.received, &c.due, &c.started, &c.ended, &c.nextDue, &c.rss,
		&c.timings[0], &c.timings[1], &c.timings[2], &c.wall, &c.cpu, &c.offset,
		&c.missed, &c.dropped, &c.catalog, &c.transaction,
		&c.outcome, &c.configVersion, &c.message, &c.detail, &c.certname,
	}, c.traits.dests()...)
}

// fill makes the run that the columns hold.
func (c *scanned) fill(run *api.Run) {
	run.Schema, run.ID, run.Certname = api.SchemaVersion, string(c.id), c.certname.String
	run.Due, run.Started, run.Ended = timePtr(c.due), timePtr(c.started), timePtr(c.ended)
	run.Outcome, run.Message, run.ConfigVersion = api.Outcome(c.outcome), c.message.String, c.configVersion.String
	run.TransactionUUID, run.DroppedBefore = string(c.transaction), int(c.dropped.Int64)
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
	c.traits.fill(run)
	if c.catalog != "" {
		run.Catalog = &api.Catalog{UUID: string(c.catalog), Source: api.CatalogSource(c.traits.CatalogSource.String)}
	}
	if a := run.Schedule; a != nil {
		a.NextDue, a.MissedSlots = timePtr(c.nextDue), int(c.missed.Int64)
		if c.offset.Valid {
			offset := seconds(c.offset.Int64)
			a.OffsetS = &offset
		}
	}
}
