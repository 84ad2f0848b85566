package config

import (
	"errors"

	"github.com/puppet-cron/puppet-cron/scheduler"
)

// windows is a list of sections, each of which is a window.
type windows struct{ dst *[]scheduler.WindowRule }

// set is for what is no list.
func (v windows) set(string) error {
	return errors.New(`must be a list of windows, as in [{days: MON-FRI, from: "22:00", to: "05:00"}]`)
}

// shownWindow is a window as YAML writes it.
type shownWindow struct {
	Days string               `yaml:"days"`
	From string               `yaml:"from"`
	To   string               `yaml:"to"`
	Mode scheduler.WindowMode `yaml:"mode"`
}

func (v windows) show() any {
	list := []shownWindow{}
	for _, w := range *v.dst {
		list = append(list, shownWindow(w))
	}
	return list
}

// add appends a window and returns its keys.
func (v windows) add() []option {
	*v.dst = append(*v.dst, scheduler.WindowRule{Mode: scheduler.WindowRun})
	w := &(*v.dst)[len(*v.dst)-1] // filled before the next one is added
	return []option{
		{key: "days", value: text{&w.Days, scheduler.CheckDays}},
		{key: "from", value: text{&w.From, scheduler.CheckFrom}, required: true},
		{key: "to", value: text{&w.To, scheduler.CheckTo}, required: true},
		{key: "mode", value: choice[scheduler.WindowMode]{&w.Mode, scheduler.WindowModes()}},
	}
}

// reportUnknownInWindow also knows the trap of {days: SAT,SUN}: for YAML the comma ends
// the value, and SUN is the next key.
func (p *parser) reportUnknownInWindow(line int, key string) {
	if leaf(key) != "" && scheduler.CheckDays(leaf(key)) == nil {
		p.report(line, key, `unknown key: put a list of days in quotes, as in days: "SAT,SUN"`)
		return
	}
	p.report(line, key, "unknown key: a window has days, from, to and mode")
}
