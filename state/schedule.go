package state

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/atomicfile"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// Schedule is what the service keeps over its restarts: schedule.json.
type Schedule struct {
	Schema int `json:"schema"`

	Ledger scheduler.Ledger `json:"ledger"`
	Heeded string           `json:"heeded,omitempty"` // the last run whose outcome it has in it

	NextDue   *time.Time `json:"next_due,omitempty"`
	NextWhy   string     `json:"next_why,omitempty"`
	IntervalS float64    `json:"interval_s,omitempty"`
	OffsetS   *float64   `json:"offset_s,omitempty"` // unknown as long as the certname is
	// OffsetFrom is what the offset was made from; empty where there is no splay.
	OffsetFrom splay.Source `json:"offset_from,omitempty"`

	Service     *process.ID `json:"service,omitempty"`
	BootID      string      `json:"boot_id,omitempty"` // of the system, when the service started
	Started     *time.Time  `json:"started,omitempty"` // the service
	Version     string      `json:"version,omitempty"`
	Launcher    string      `json:"launcher,omitempty"`
	LastError   string      `json:"last_error,omitempty"`
	ConfigError string      `json:"config_error,omitempty"` // why the last reload was refused
}

// Schedule reads what the service keeps.
func (d *Dir) Schedule() (*Schedule, error) {
	s := new(Schedule)
	if err := read(d.File("schedule.json"), s); err != nil {
		return nil, err
	}
	if err := s.Ledger.Valid(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, d.File("schedule.json"), err)
	}
	return s, nil
}

// Serving reports whether the service that keeps this still runs. After a boot, another
// process may have its pid and its start. An older version kept no boot id.
func (s *Schedule) Serving() bool {
	if s.Service == nil || !s.Service.Alive() {
		return false
	}
	if s.BootID == "" || s.BootID == process.BootID() {
		return true
	}
	// A service that is locked in may have seen another boot id than we do: that of the
	// host, when systemd-nspawn shows its machine one of its own. Then its name must do.
	p, err := process.Find(s.Service.PID)
	return err == nil && slices.Contains(strings.Fields(p.Command), "serve")
}

// SetSchedule replaces what the service keeps.
func (d *Dir) SetSchedule(s Schedule) error {
	s.Schema = schema
	return write(d.File("schedule.json"), s, publicMode)
}

// ServeLock is the path of the lock that the service holds.
func (d *Dir) ServeLock() string { return d.File("serve.lock") }

// Ask leaves a request for a runner that will be started. It is there whole or not
// at all.
func (d *Dir) Ask(req Request) error {
	if !api.ValidID(req.ID) {
		return errNoID(req.ID)
	}
	making := filepath.Join(d.runs(), makingPrefix+req.ID)
	req.Schema = schema
	err := os.Mkdir(making, dirMode)
	if err == nil {
		err = write(filepath.Join(making, requestName), req, privateMode)
	}
	if err == nil {
		err = os.Chmod(making, dirMode)
	}
	if err == nil {
		err = os.Rename(making, d.RunDir(req.ID))
	}
	if err == nil {
		return atomicfile.SyncDir(d.runs())
	}
	_ = os.RemoveAll(making)
	return fmt.Errorf("cannot ask for run %s: %w", req.ID, err)
}

// Withdraw takes back a request that no runner has begun.
func (d *Dir) Withdraw(id string) error {
	if !api.ValidID(id) {
		return errNoID(id)
	}
	return d.remove(id)
}

// NotBegun lists the runs that were asked for and that no runner has begun.
func (d *Dir) NotBegun() ([]string, error) {
	ids, err := d.IDs()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(ids, func(id string) bool { return d.Fate(id) != Asked }), nil
}

// Fate is how far a run that was asked for has come.
type Fate string

// The fates.
const (
	Absent   Fate = "absent" // never asked for, or no longer in the history
	Asked    Fate = "asked"  // no runner has begun it
	Begun    Fate = "begun"
	Recorded Fate = "recorded"
)

// Fate says how far a run has come.
func (d *Dir) Fate(id string) Fate {
	switch {
	case !api.ValidID(id):
		return Absent
	case d.recorded(id):
		return Recorded
	case d.begun(id):
		return Begun
	}
	if _, err := os.Lstat(d.RunDir(id)); err != nil {
		return Absent
	}
	return Asked
}
