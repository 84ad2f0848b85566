package dashboard

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/alerts"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// Bounds of what the overview names.
const (
	shownNodes     = 12
	shownResources = 10
	shownAlerts    = 6
)

// A count is a number that leads to its nodes.
type count struct {
	mark
	Nodes, Acknowledged int
	Link, Says          string
}

type overviewPage struct {
	At       time.Time
	Nodes    int
	Troubled int // nodes with a trouble that nobody looks after
	Looked   int // those that somebody does
	Late     int
	Unknown  int
	Dropped  int
	Outcomes []count
	Troubles []count
	Reasons  []count
	Silent   []*collector.Line
	Held     []*collector.Line
	HeldMore int

	SilentMore int
	Resources  []collector.FailingResource
	Alerts     []*alerts.Told
	Day        day
	Runs, Took chart
}

func (d *Dashboard) overview(w http.ResponseWriter, r *http.Request) {
	lines, at, err := d.fleet.get(r.Context())
	if err != nil {
		d.failed(w, r, err)
		return
	}
	p := &overviewPage{At: at, Nodes: len(lines), Day: d.activity.get()}
	p.count(lines)
	if p.Resources, err = d.Store.FailingResources(r.Context(), shownResources); err != nil {
		d.failed(w, r, err)
		return
	}
	if p.Alerts, _, err = d.Store.Alerts(r.Context(), shownAlerts, ""); err != nil {
		d.failed(w, r, err)
		return
	}
	p.Runs, p.Took = runsChart(p.Day), tookChart(p.Day)
	d.show(w, r, http.StatusOK, "overview", layout{Title: "Overview", Section: "overview", Live: true, Page: p})
}

// count looks at each node once.
func (p *overviewPage) count(lines []collector.Line) {
	outcomes, reasons := map[api.Outcome]int{}, map[api.Reason]int{}
	troubles, acknowledged := map[standing.Trouble]int{}, map[standing.Trouble]int{}
	for i := range lines {
		l := &lines[i]
		outcomes[l.Outcome]++
		if l.Reason != "" {
			reasons[l.Reason]++
		}
		for _, t := range l.Troubles.List() {
			troubles[t]++
		}
		for _, t := range l.Acknowledged.List() {
			acknowledged[t]++
		}
		p.Dropped += l.Dropped
		p.notice(l)
	}
	for _, o := range append(api.Outcomes(), "") {
		if o != api.Skipped && (outcomes[o] > 0 || o == api.Unchanged || o == api.Changed || o == api.Failed) {
			p.Outcomes = append(p.Outcomes, count{mark: markOf(o), Nodes: outcomes[o], Link: linkTo("outcome", cmp.Or(string(o), none))})
		}
	}
	for o, n := range outcomes {
		if o != "" && !o.Known() {
			p.Outcomes = append(p.Outcomes, count{mark: markOf(o), Nodes: n, Link: linkTo("outcome", string(o))})
		}
	}
	for _, t := range standing.All() {
		if troubles[t] > 0 {
			p.Troubles = append(p.Troubles, count{mark: signOf(t), Nodes: troubles[t], Acknowledged: acknowledged[t], Link: linkTo("trouble", string(t)), Says: says(t)})
		}
	}
	p.Reasons = topReasons(reasons)
}

func (p *overviewPage) notice(l *collector.Line) {
	switch {
	case l.Troubles&^l.Acknowledged != 0:
		p.Troubled++
	case l.Troubles != 0:
		p.Looked++
	}
	switch l.Presence {
	case standing.Late:
		p.Late++
	case standing.Unknown:
		p.Unknown++
	}
	if l.Troubles.Has(standing.Gone) || l.Troubles.Has(standing.Stuck) {
		if len(p.Silent) < shownNodes {
			p.Silent = append(p.Silent, l)
		} else {
			p.SilentMore++
		}
	}
	if l.Disabled || l.Skipped == api.Held {
		if len(p.Held) < shownNodes {
			p.Held = append(p.Held, l)
		} else {
			p.HeldMore++
		}
	}
}

func topReasons(reasons map[api.Reason]int) (top []count) {
	names := slices.Collect(maps.Keys(reasons))
	slices.SortFunc(names, func(a, b api.Reason) int {
		return cmp.Or(cmp.Compare(reasons[b], reasons[a]), cmp.Compare(a, b))
	})
	for _, name := range names[:min(len(names), shownResources)] {
		top = append(top, count{mark: mark{Word: string(name)}, Nodes: reasons[name], Link: linkTo("reason", string(name))})
	}
	return top
}

func linkTo(key, value string) string { return "/nodes?" + url.Values{key: {value}}.Encode() }
