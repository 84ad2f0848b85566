package daemon

import (
	"os"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// NewSpec is the schedule of this node. As long as its certname is not known the
// host's name stands in: a fleet that is installed at one time must not start as
// one.
func NewSpec(c *config.Config, certname string) (*scheduler.Spec, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return c.Schedule.Spec(splay.Identity{Certname: certname, StandIn: host})
}
