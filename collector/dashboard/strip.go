package dashboard

import (
	"fmt"
	"slices"

	"github.com/puppet-cron/puppet-cron/collector"
)

// A cell is a run of a node's history, as a link, or runs that were missed.
type cell struct {
	mark
	Link   string
	Label  string
	Missed int
}

// strip is a node's last runs, the oldest first, with what was missed in between.
func strip(n *collector.Node, runs []*collector.Stored) []cell {
	var cells []cell
	for _, r := range slices.Backward(runs) {
		if r.Schedule != nil && r.Schedule.MissedSlots > 0 {
			missed := r.Schedule.MissedSlots
			cells = append(cells, cell{Missed: missed, Label: fmt.Sprintf("%d missed", missed)})
		}
		c := cell{mark: markOf(r.Outcome), Link: "/runs/" + r.ID}
		c.Label = c.Word
		if r.Ended != nil {
			c.Label += ", " + r.Ended.UTC().Format("2 Jan 15:04 UTC")
		}
		if r.Message != "" {
			c.Label += ", " + r.Message
		}
		cells = append(cells, c)
	}
	if n.Running != nil {
		label := "running"
		if n.Running.Started != nil {
			label += " since " + n.Running.Started.UTC().Format("2 Jan 15:04 UTC")
		}
		cells = append(cells, cell{mark: mark{"running", "…", "running"}, Link: "/runs/" + n.Running.ID, Label: label})
	}
	return cells
}
