package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/process"
)

// Request is what somebody asked for: runs/ID/request.json.
type Request struct {
	Schema   int         `json:"schema"`
	Kind     Kind        `json:"kind,omitempty"`
	ID       string      `json:"id"`
	Trigger  api.Trigger `json:"trigger"`
	Asked    time.Time   `json:"asked"`
	Due      *time.Time  `json:"due,omitempty"`
	By       string      `json:"by,omitempty"`
	Noop     *bool       `json:"noop,omitempty"`
	Env      string      `json:"environment,omitempty"`
	Tags     []string    `json:"tags,omitempty"`
	SkipTags []string    `json:"skip_tags,omitempty"`
	WaitS    float64     `json:"wait_s,omitempty"`    // how long to wait for a run that goes on
	TimeoutS float64     `json:"timeout_s,omitempty"` // instead of puppet.timeout
	// Schedule is what the service announces of itself with the run.
	Schedule *api.Announce `json:"schedule,omitempty"`
}

// Kind is what a request is for.
type Kind string

// The kinds of requests.
const (
	ForRun  Kind = ""
	ForHold Kind = "hold" // make Puppet's own disable file agree with the holds; no run, no record
)

// Phase says what a run in progress is at.
type Phase string

// The phases of a run.
const (
	Preparing Phase = "preparing"
	Waiting   Phase = "waiting" // for Puppet's own lock
	Applying  Phase = "applying"
	Ending    Phase = "ending" // Puppet is being stopped
	Recording Phase = "recording"
)

// Running is the run in progress: running.json. The runner is the process that
// supervises it; Puppet is known once it was started.
type Running struct {
	Schema   int         `json:"schema"`
	ID       string      `json:"id"`
	Trigger  api.Trigger `json:"trigger"`
	Since    time.Time   `json:"since"`
	BootID   string      `json:"boot_id,omitempty"`
	Phase    Phase       `json:"phase"`
	Runner   process.ID  `json:"runner"`
	Puppet   *process.ID `json:"puppet,omitempty"`
	Started  *time.Time  `json:"started,omitempty"` // when Puppet was
	TimeoutS float64     `json:"timeout_s,omitempty"`
	// NoCacheFallback: Puppet was told not to fall back on a cached catalog.
	NoCacheFallback bool `json:"no_cache_fallback,omitempty"`
	// WaitsFor says who holds Puppet's own lock while the run waits for it.
	WaitsFor string `json:"waits_for,omitempty"`
}

// Who names the run to those whom it keeps off.
func (r *Running) Who(runnerAlive bool) string {
	if !runnerAlive {
		return fmt.Sprintf("run %s, whose runner was killed,", r.ID)
	}
	return fmt.Sprintf("run %s (%s, pid %d)", r.ID, r.Trigger, r.Runner.PID)
}

// Running reads the run in progress.
func (d *Dir) Running() (*Running, error) {
	r := new(Running)
	if err := read(d.File("running.json"), r); err != nil {
		return nil, err
	}
	if !api.ValidID(r.ID) {
		return nil, fmt.Errorf("%w: %s: %q is no id of a run", ErrCorrupt, d.File("running.json"), r.ID)
	}
	if !duration(r.TimeoutS) {
		return nil, fmt.Errorf("%w: %s: timeout_s is %g", ErrCorrupt, d.File("running.json"), r.TimeoutS)
	}
	return r, nil
}

// duration reports whether s seconds can be a time.Duration that somebody meant.
func duration(s float64) bool { return 0 <= s && s <= 1e9 }

// SetRunning replaces the run in progress.
func (d *Dir) SetRunning(r Running) error {
	r.Schema = schema
	return write(d.File("running.json"), r, publicMode)
}

// ClearRunning says that no run is in progress.
func (d *Dir) ClearRunning() error {
	err := os.Remove(d.File("running.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Last names one of the files that keep a run for status.
type Last string

// The last runs that status speaks of.
const (
	LastRun      Last = "last-run.json"
	LastExecuted Last = "last-executed.json"
	LastChange   Last = "last-change.json"
	LastSuccess  Last = "last-success.json"
)

// Last reads one of the last runs.
func (d *Dir) Last(which Last) (*api.Run, error) { return readRun(d.File(string(which))) }

// publish makes a recorded run known to status, and then every newer one that was
// recorded meanwhile: its process may have looked at the files before we wrote
// them and written them before we did, and then it is hidden by ours.
func (d *Dir) publish(run *api.Run) error {
	for run != nil {
		if err := d.setLast(*run); err != nil {
			return fmt.Errorf("run %s is recorded, but status cannot be told of it: %w", run.ID, err)
		}
		run = d.nextRecorded(run.ID)
	}
	return nil
}

// nextRecorded is the oldest recorded run that is newer than id; nil without one.
func (d *Dir) nextRecorded(id string) *api.Run {
	ids, _ := d.IDs()
	now := time.Now()
	for _, newer := range slices.Backward(ids) {
		if newer <= id || idAhead(newer, now) || !d.recorded(newer) {
			continue
		}
		if run, err := d.Run(newer); err == nil {
			return run
		}
	}
	return nil
}

// setLast keeps a run for status, in every file that it is the last of. A run that
// is recorded late does not hide a newer one.
func (d *Dir) setLast(run api.Run) error {
	public := run
	public.Failures, public.Log = nil, ""
	now := time.Now()
	keep := func(which Last, counts bool) error {
		if !counts {
			return nil
		}
		if old, err := d.Last(which); err == nil && hides(old, &run, now) {
			return nil
		}
		return ignoreNewer(write(d.File(string(which)), public, publicMode))
	}
	return errors.Join( // one that cannot be written does not keep the others back
		d.count(run, now),
		keep(LastRun, true),
		keep(LastExecuted, run.Outcome.Executed()),
		keep(LastChange, run.Resources != nil && run.Resources.Changed > 0),
		keep(LastSuccess, run.Outcome.Healthy()),
	)
}

// ReadPuppet reads what the last runner learnt of Puppet into v, which has a
// schema of its own.
func (d *Dir) ReadPuppet(v any) error { return read(d.File("puppet.json"), v) }

// WritePuppet keeps what a runner learnt of Puppet.
func (d *Dir) WritePuppet(v any) error { return write(d.File("puppet.json"), v, publicMode) }

// ReadHolds reads who holds the node into v.
func (d *Dir) ReadHolds(v any) error { return read(d.File(holdsName), v) }

// WriteHolds replaces who holds the node.
func (d *Dir) WriteHolds(v any) error { return write(d.File(holdsName), v, publicMode) }

// SetHoldsAside takes corrupt holds out of the way.
func (d *Dir) SetHoldsAside() (string, error) { return SetAside(d.File(holdsName)) }

// HoldsLock is the path of the lock that whoever changes the holds has.
func (d *Dir) HoldsLock() string { return d.File("holds.lock") }

const holdsName = "holds.json"
