package daemon

import (
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
	"github.com/puppet-cron/puppet-cron/state"
)

// Slot is the place that the collector gave to this node, where the configuration heeds
// it. Without one, or when it cannot be read, it is nil.
func Slot(c *config.Config, dir *state.Dir) *float64 {
	if c.Schedule.Splay.Mode != splay.Slot {
		return nil
	}
	known, err := dir.Reporting()
	if err != nil {
		return nil
	}
	return known.Slot
}

// slotOf is Slot, or the one that was known before: a file that cannot be read moves no
// node.
func (d *Daemon) slotOf(c *config.Config) *float64 {
	if slot := Slot(c, d.State); slot != nil {
		d.slot = slot
	}
	return d.slot
}

// followPlace moves the node to its own place as soon as a runner knows its certname, or
// the collector has given it another.
func (d *Daemon) followPlace() {
	before := d.spec.Share()
	if d.Config.Schedule.Splay.Mode != splay.Slot && before.Source != splay.FromStandIn {
		return
	}
	certname := d.Certname(d.Config)
	id := splay.Identity{Certname: certname, Slot: d.slotOf(d.Config)}
	if share := id.Share(d.Config.Schedule.Splay.Mode); share == before || share.Source == splay.FromStandIn {
		return
	}
	if err := d.use(d.Config, certname); err != nil {
		d.fail("cannot use the node's new place", err)
		return
	}
	offset, _ := d.spec.Offset()
	what := "the node has the place in the schedule that the collector gave it"
	if d.spec.Share().Source == splay.FromHash {
		what = "the node has the place in the schedule of its certname"
	}
	d.Log.Info(what, "certname", certname, "offset", offset)
}

// source is where the node's place is from, when that is for good.
func source(spec *scheduler.Spec) splay.Source {
	if _, known := spec.Offset(); !known || spec.Mode() == splay.None {
		return ""
	}
	return spec.Share().Source
}
