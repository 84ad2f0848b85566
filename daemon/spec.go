package daemon

import (
	"os"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/internal/localtime"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// NewSpec is the schedule of this node, at the slot that the collector gave it, if it did.
// As long as its certname is not known the host's name stands in: a fleet that is
// installed at one time must not start as one.
func NewSpec(c *config.Config, certname string, slot *float64) (*scheduler.Spec, error) {
	return specIn(localtime.Read(localtime.File), c, certname, slot)
}

func specIn(zone localtime.Zone, c *config.Config, certname string, slot *float64) (*scheduler.Spec, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return c.Schedule.SpecIn(zone, splay.Identity{Certname: certname, Slot: slot, StandIn: host})
}

// followZone takes up the node's own time zone when somebody, or a run of Puppet, has set
// another.
func (d *Daemon) followZone() {
	if !d.zone.Changed() {
		return
	}
	if err := d.use(d.Config, d.Certname(d.Config)); err != nil {
		d.fail("cannot use the node's new time zone", err)
		return
	}
	d.Log.Info("the node's time zone was set", "zone", d.zone.Location.String())
}
