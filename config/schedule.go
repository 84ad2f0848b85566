package config

import (
	"fmt"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/localtime"
	"github.com/puppet-cron/puppet-cron/internal/strict"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

// Schedule says when runs are due.
type Schedule struct {
	Every    time.Duration // 0 when there is a Cron
	Cron     string        // "" when there is an Every
	Timezone string        // of Cron and Windows; "" is the node's own
	Splay    Splay
	CatchUp  time.Duration
	Retries  int
	Windows  []scheduler.WindowRule
	SkipWhen SkipWhen
}

// Splay says how a fleet is spread.
type Splay struct {
	Mode   splay.Mode
	Window time.Duration // 0 is the default, which follows the interval
}

// Spec returns the schedule of a node, in the time zone that the node has now.
func (s *Schedule) Spec(id splay.Identity) (*scheduler.Spec, error) {
	return s.SpecIn(localtime.Read(localtime.File), id)
}

// SpecIn returns the schedule of a node whose own time zone is local.
func (s *Schedule) SpecIn(local localtime.Zone, id splay.Identity) (*scheduler.Spec, error) {
	if s.Timezone != "" {
		loc, err := time.LoadLocation(s.Timezone)
		if err != nil {
			return nil, fmt.Errorf("schedule.timezone: %w", err)
		}
		local = localtime.Zone{Location: loc}
	}
	windows, err := scheduler.NewWindows(s.Windows)
	if err != nil {
		return nil, err
	}
	return scheduler.New(scheduler.Rule{
		Every:    s.Every,
		Cron:     s.Cron,
		Location: local.Location,
		ZoneMark: local.Mark,
		Mode:     s.Splay.Mode,
		Window:   s.Splay.Window,
		Share:    id.Share(s.Splay.Mode),
		CatchUp:  s.CatchUp,
		Retries:  s.Retries,
		Windows:  windows,
	})
}

// timezone checks the name of a zone.
func timezone(name string) error {
	if _, err := time.LoadLocation(name); err != nil {
		return strict.MustBe("a time zone such as Europe/Paris", name)
	}
	return nil
}
