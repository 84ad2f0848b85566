package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// traits are what many runs have in common: half of what there is to say of an unchanged
// run takes four bytes that way. Of a run with a detail they are only what it is found by.
type traits struct {
	Trigger                                            string
	Reason, Message, Environment                       sql.NullString
	PuppetVersion, AgentVersion, CatalogSource         sql.NullString
	Noop, ExitCode                                     sql.NullInt64
	ResourcesTotal, ResourcesSkipped, ResourcesPlanned sql.NullInt64
	IntervalMS, TimeoutMS, UTCOffsetS                  sql.NullInt64
}

const traitColumns = `"trigger", reason, message, environment, puppet_version, agent_version, catalog_source,
	noop, exit_code, resources_total, resources_skipped, resources_scheduled, interval_ms, timeout_ms, utc_offset_s`

// traitColumnsOfT are those but for message. A run whose traits are gone has no trigger.
const traitColumnsOfT = `COALESCE(t."trigger", ''), t.reason, t.environment, t.puppet_version, t.agent_version, t.catalog_source,
	t.noop, t.exit_code, t.resources_total, t.resources_skipped, t.resources_scheduled, t.interval_ms, t.timeout_ms, t.utc_offset_s`

func (t *traits) dests() []any {
	return []any{
		&t.Trigger, &t.Reason, &t.Environment, &t.PuppetVersion, &t.AgentVersion, &t.CatalogSource,
		&t.Noop, &t.ExitCode, &t.ResourcesTotal, &t.ResourcesSkipped, &t.ResourcesPlanned, &t.IntervalMS, &t.TimeoutMS, &t.UTCOffsetS,
	}
}

func (t *traits) values() []any {
	return []any{
		t.Trigger, value(t.Reason), value(t.Message), value(t.Environment), value(t.PuppetVersion), value(t.AgentVersion), value(t.CatalogSource),
		value(t.Noop), value(t.ExitCode), value(t.ResourcesTotal), value(t.ResourcesSkipped), value(t.ResourcesPlanned),
		value(t.IntervalMS), value(t.TimeoutMS), value(t.UTCOffsetS),
	}
}

func traitsOf(run *api.Run) traits {
	t := traits{
		Trigger: string(run.Trigger), Reason: words(run.Reason),
		Environment: words(run.Environment), PuppetVersion: words(run.PuppetVersion),
	}
	if !fitsColumns(run) {
		return t
	}
	if commonMessage(run) {
		t.Message = words(run.Message)
	}
	t.AgentVersion = words(run.AgentVersion)
	if run.Catalog != nil {
		t.CatalogSource = words(run.Catalog.Source)
	}
	if run.Noop {
		t.Noop = number(1)
	}
	if run.ExitCode != nil {
		t.ExitCode = number(int64(*run.ExitCode))
	}
	if r := run.Resources; r != nil {
		t.ResourcesTotal, t.ResourcesSkipped, t.ResourcesPlanned = number(int64(r.Total)), number(int64(r.Skipped)), number(int64(r.Scheduled))
	}
	if a := run.Schedule; a != nil {
		t.IntervalMS, t.TimeoutMS, t.UTCOffsetS = number(millis(a.IntervalS)), number(millis(a.TimeoutS)), whole(a.UTCOffsetS)
	}
	return t
}

// commonMessage: "all 412 resources are as they should be" is many runs' message; why one
// was skipped may name a process.
func commonMessage(run *api.Run) bool { return run.Outcome == api.Unchanged }

func (t *traits) fill(run *api.Run) {
	run.Trigger, run.Reason = api.Trigger(t.Trigger), api.Reason(t.Reason.String)
	run.Environment, run.PuppetVersion, run.AgentVersion = t.Environment.String, t.PuppetVersion.String, t.AgentVersion.String
	if t.CatalogSource.Valid {
		run.Catalog = &api.Catalog{Source: api.CatalogSource(t.CatalogSource.String)}
	}
	run.Noop = t.Noop.Valid
	if t.ExitCode.Valid {
		code := int(t.ExitCode.Int64)
		run.ExitCode = &code
	}
	if t.ResourcesTotal.Valid {
		run.Resources = &api.Resources{
			Total: int(t.ResourcesTotal.Int64), Skipped: int(t.ResourcesSkipped.Int64), Scheduled: int(t.ResourcesPlanned.Int64),
		}
	}
	if t.IntervalMS.Valid {
		run.Schedule = &api.Announce{IntervalS: seconds(t.IntervalMS.Int64), TimeoutS: seconds(t.TimeoutMS.Int64), UTCOffsetS: wholePtr(t.UTCOffsetS)}
	}
}

const (
	// usedFor is how exactly it is known when traits were used last.
	usedFor = 24 * time.Hour
	// maxTraits is how many this process remembers; a fleet has some hundred.
	maxTraits = 50_000
)

// knownTraits are traits that are in the database, by their ids.
type knownTraits map[traits]usedTraits

type usedTraits struct{ id, used int64 }

// traitsOfAll gives the ids of the runs' traits. New ones are committed before the runs,
// so that they are there for everybody whatever becomes of these.
func (s *Store) traitsOfAll(ctx context.Context, runs []*api.Run, received int64) ([]int64, error) {
	ids := make([]int64, len(runs))
	for i, run := range runs {
		if run.Outcome == "" {
			continue
		}
		t := traitsOf(run)
		s.knowing.Lock()
		known, ok := s.known[t]
		s.knowing.Unlock()
		if !ok || known.used < received-usedFor.Microseconds() {
			var err error
			if known, err = s.learn(ctx, t, received); err != nil {
				return nil, err
			}
		}
		ids[i] = known.id
	}
	return ids, nil
}

func (s *Store) learn(ctx context.Context, t traits, received int64) (usedTraits, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return usedTraits{}, err
	}
	key := sha256.Sum256(plain)
	u := usedTraits{used: received}
	err = s.write.QueryRowContext(ctx, "INSERT INTO traits (key, used, "+traitColumns+") VALUES ("+parameters(17)+`)
		ON CONFLICT (key) DO UPDATE SET used = CASE WHEN traits.used < excluded.used THEN excluded.used ELSE traits.used END
		RETURNING id`, append([]any{key[:], received}, t.values()...)...).Scan(&u.id)
	if err != nil {
		return u, err
	}
	s.knowing.Lock()
	defer s.knowing.Unlock()
	if s.known == nil || len(s.known) >= maxTraits {
		s.known = knownTraits{}
	}
	s.known[t] = u
	return u, nil
}
