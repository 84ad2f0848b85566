package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"time"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/localtime"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

// open reads what the last service kept. Without it, or when it is corrupt, the node
// counts as one that never ran: a run comes soon. Of a newer version it is not
// touched.
func (d *Daemon) open() error {
	d.wake = make(chan struct{}, 1)
	if d.After == nil {
		d.After = time.After
	}
	kept, err := d.State.Schedule()
	switch {
	case err == nil:
		d.kept = *kept
	case errors.Is(err, state.ErrNewer):
		return err
	case errors.Is(err, state.ErrCorrupt):
		aside, failed := state.SetAside(d.State.File("schedule.json"))
		d.Log.Warn("the ledger was corrupt and was set aside", "error", err, "now", aside, "failed", failed)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if d.ZoneFile == "" {
		d.ZoneFile = localtime.File
	}
	d.zone = localtime.Read(d.ZoneFile)
	if d.spec, err = specIn(d.zone, d.Config, d.Certname(d.Config), d.slotOf(d.Config)); err != nil {
		return err
	}
	now := time.Now()
	self, err := process.Find(os.Getpid())
	if err == nil {
		d.kept.Service, d.kept.BootID = &self.ID, process.BootID()
	}
	d.kept.Started, d.kept.Version, d.kept.Launcher = &now, d.Version, d.Launcher.String()
	d.kept.LastError, d.kept.ConfigError = "", ""
	if last, err := d.State.Last(state.LastRun); err == nil {
		d.shown = last.ID
	}
	return nil
}

// reload reads the configuration again. A bad one is refused, and the old one stays.
func (d *Daemon) reload() {
	d.Tell(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonic().Microseconds()))
	defer d.Tell("READY=1")
	c, err := d.Reload()
	if err == nil {
		err = d.use(c, d.Certname(c))
	}
	if err != nil {
		d.Log.Error("the configuration is refused, the old one stays", "error", err)
		d.kept.ConfigError = err.Error()
		return
	}
	d.State.SpoolUpTo(c.Reporter.Spool())
	if d.Reporter != nil {
		d.Reporter.Use(c.Reporter)
	}
	if d.Reloaded != nil {
		d.Reloaded(c)
	}
	d.Log.Info("configuration read again")
	d.kept.ConfigError = ""
}

func (d *Daemon) use(c *config.Config, certname string) error {
	zone := localtime.Read(d.ZoneFile)
	spec, err := specIn(zone, c, certname, d.slotOf(c))
	if err != nil {
		return err
	}
	if c.StateDir != d.Config.StateDir {
		return fmt.Errorf("state_dir has changed from %s to %s: that needs a restart", d.Config.StateDir, c.StateDir)
	}
	d.kept.Ledger = spec.Replace(d.spec, d.kept.Ledger, time.Now())
	d.spec, d.Config, d.zone = spec, c, zone
	return nil
}

// publish says when the next run is due, to whoever asks.
func (d *Daemon) publish(plan scheduler.Plan) {
	at := plan.At
	d.kept.NextDue, d.kept.NextWhy = &at, plan.Why
	d.kept.IntervalS, d.kept.OffsetS, d.kept.OffsetFrom = d.spec.Interval().Seconds(), d.offset(), source(d.spec)
	if err := d.keep(); err != nil {
		d.fail("cannot write the ledger", err)
	}
	d.tellNews()
	d.Tell("STATUS=next run " + at.In(d.zone.Location).Format("2006-01-02 15:04:05") + " (" + plan.Why + ")")
}

// keep writes schedule.json when it says something new.
func (d *Daemon) keep() error {
	if reflect.DeepEqual(d.kept, d.written) {
		return nil
	}
	if err := d.State.SetSchedule(d.kept); err != nil {
		return err
	}
	d.written, d.news = d.kept, true
	return nil
}

// tellNews tells Changed. That it failed is kept at once, and is no news itself: it
// would be tried again and again.
func (d *Daemon) tellNews() {
	if !d.news || d.Changed == nil {
		return
	}
	if err := d.Changed(d.Config); err != nil {
		d.fail("cannot tell others what is new", err)
		if err := d.keep(); err != nil {
			d.fail("cannot write the ledger", err)
		}
	}
	d.news = false
}

// offset is published when it is the node's for good.
func (d *Daemon) offset() *float64 {
	offset, known := d.spec.Offset()
	if !known {
		return nil
	}
	s := offset.Seconds()
	return &s
}

func (d *Daemon) fail(what string, err error) {
	d.Log.Error(what, "error", err)
	d.kept.LastError = fmt.Sprintf("%s: %v", what, err)
}

// name is the node's, or the host's as long as that is unknown.
func (d *Daemon) name() string {
	if name := d.Certname(d.Config); name != "" {
		return name
	}
	host, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return host
}
