package state

import (
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// Failing are the runs in a row that did not end well, retries left out: failing.json. The history
// cannot tell, for it is shortened, and users may not read it. Their ids are kept, not
// only their number: a run may be recorded late, or twice.
type Failing struct {
	Schema int `json:"schema"`
	// IDs are the newest of them, the oldest first; Before is how many came before.
	IDs    []string   `json:"ids"`
	Before int        `json:"before,omitempty"`
	Since  *time.Time `json:"since,omitempty"` // when the first of all ended
}

// Runs is their number.
func (f *Failing) Runs() int { return f.Before + len(f.IDs) }

// maxFailing bounds the file, not the count.
const maxFailing = 50

// Failing reads the runs in a row that did not end well.
func (d *Dir) Failing() (*Failing, error) {
	f := new(Failing)
	if err := read(d.File("failing.json"), f); err != nil {
		return nil, err
	}
	f.Before = max(f.Before, 0)
	return f, nil
}

// count keeps the row up to date. A corrupt file begins it anew.
func (d *Dir) count(run api.Run, now time.Time) error {
	if !run.Outcome.Executed() || d.countedAhead(run, now) {
		return nil
	}
	f, err := d.Failing()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrCorrupt) {
			return ignoreNewer(err)
		}
		f = new(Failing)
	}
	f.settleAhead(now)
	if run.Outcome.Healthy() {
		f.endAt(run)
	} else if good, err := d.Last(LastSuccess); err != nil || !hides(good, &run, now) {
		f.fail(run)
	}
	f.Schema = schema
	return ignoreNewer(write(d.File("failing.json"), f, publicMode))
}

// fail counts a run, unless it only tried again what is counted already: retries within
// minutes must not make a short outage look like a long one.
func (f *Failing) fail(run api.Run) {
	if run.Trigger != api.Retry || f.Runs() == 0 {
		f.add(run)
	}
}

// countedAhead reports whether a run was recorded under a clock that was ahead, and told
// of again after the clock was set right: it was counted then.
func (d *Dir) countedAhead(run api.Run, now time.Time) bool {
	last, err := d.Last(LastExecuted)
	return err == nil && timeAhead(run.Ended, now) && !timeAhead(last.Ended, now)
}

// settleAhead counts the runs of a clock that was ahead among those that came before:
// by their ids they would come after every run to come.
func (f *Failing) settleAhead(now time.Time) {
	known := len(f.IDs)
	f.IDs = slices.DeleteFunc(f.IDs, func(id string) bool { return idAhead(id, now) })
	f.Before += known - len(f.IDs)
	if timeAhead(f.Since, now) {
		f.Since = nil
	}
}

func (f *Failing) add(run api.Run) {
	at, known := slices.BinarySearch(f.IDs, run.ID)
	if known || (at == 0 && len(f.IDs) > 0 && f.Before > 0) {
		return
	}
	if at == 0 && f.Before == 0 {
		f.Since = run.Ended
	}
	f.IDs = append(f.IDs, run.ID)
	slices.Sort(f.IDs)
	if over := len(f.IDs) - maxFailing; over > 0 {
		f.IDs, f.Before = f.IDs[over:], f.Before+over
	}
}

// endAt forgets what came before a good run.
func (f *Failing) endAt(good api.Run) {
	at, _ := slices.BinarySearch(f.IDs, good.ID)
	if at == 0 && len(f.IDs) > 0 {
		return // a good run that is older than all that is known here
	}
	f.IDs, f.Before, f.Since = f.IDs[at:], 0, nil
	if len(f.IDs) > 0 {
		f.Since = good.Ended // the next one ended later, which is all that is known
	}
}

// ignoreNewer leaves the file of a newer version as it is; the run is recorded all the
// same.
func ignoreNewer(err error) error {
	if errors.Is(err, ErrNewer) {
		return nil
	}
	return err
}
