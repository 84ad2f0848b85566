package config

import (
	"errors"

	"github.com/puppet-cron/puppet-cron/internal/strict"
	"github.com/puppet-cron/puppet-cron/scheduler"
)

// windows is a list of sections, each of which is a window.
type windows struct{ dst *[]scheduler.WindowRule }

// set is for what is no list.
func (v windows) Set(string) error {
	return errors.New(`must be a list of windows, as in [{days: MON-FRI, from: "22:00", to: "05:00"}]`)
}

// shownWindow is a window as YAML writes it.
type shownWindow struct {
	Days string               `yaml:"days"`
	From string               `yaml:"from"`
	To   string               `yaml:"to"`
	Mode scheduler.WindowMode `yaml:"mode"`
}

func (v windows) Show() any {
	list := []shownWindow{}
	for _, w := range *v.dst {
		list = append(list, shownWindow(w))
	}
	return list
}

// add appends a window and returns its keys.
func (v windows) add() []strict.Option {
	*v.dst = append(*v.dst, scheduler.WindowRule{Mode: scheduler.WindowRun})
	w := &(*v.dst)[len(*v.dst)-1] // filled before the next one is added
	return []strict.Option{
		{Key: "days", Value: strict.Text(&w.Days, scheduler.CheckDays)},
		{Key: "from", Value: strict.Text(&w.From, scheduler.CheckFrom), Required: true},
		{Key: "to", Value: strict.Text(&w.To, scheduler.CheckTo), Required: true},
		{Key: "mode", Value: strict.Choice(&w.Mode, scheduler.WindowModes()...)},
	}
}

// unknownInWindow also knows the trap of {days: SAT,SUN}: for YAML the comma ends the
// value, and SUN is the next key.
func unknownInWindow(key string) string {
	if key != "" && scheduler.CheckDays(key) == nil {
		return `put a list of days in quotes, as in days: "SAT,SUN"`
	}
	return "a window has days, from, to and mode"
}
