package alerts

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// alert makes one of the nodes that have changed.
func (d *decision) alert(event Event, m Matter, changes []Change) Draft {
	return d.finish(event, d.about(m, changes))
}

// alertOfMany begins an incident: who gets its matter later joins it without a word.
func (d *decision) alertOfMany(m Matter, changes []Change) Draft {
	a := d.about(m, changes)
	a.Grouped, a.ToldBefore = true, d.Single[m]
	n := d.finish(Opened, a)
	n.Open = true
	return n
}

func (d *decision) about(m Matter, changes []Change) Alert {
	names, since := make([]string, len(changes)), changes[0].Since
	for i, c := range changes {
		names[i] = c.Certname
		if c.Since.Before(since) {
			since = c.Since
		}
	}
	slices.Sort(names)
	a := Alert{Kind: m.Kind, Reason: m.Reason, Since: since, Grouped: len(names) > 1, Count: len(names), Nodes: names[:min(len(names), MaxNodes)]}
	a.NodesCut = len(names) - len(a.Nodes)
	return a
}

// ofIncident makes one of a grouped alert that was told.
func (d *decision) ofIncident(event Event, i *Incident) Draft {
	a := Alert{About: i.ID, Kind: i.Kind, Reason: i.Reason, Since: i.Since, Grouped: true, Count: i.Members, Nodes: i.Names}
	if event == Recovered {
		a.Count, a.Nodes, a.Still = min(i.Nodes-i.Members, d.Fleet), nil, i.Names // who had it twice was counted twice
	}
	return d.finish(event, a)
}

func (d *decision) finish(event Event, a Alert) Draft {
	a.Schema, a.ID, a.At, a.Event, a.Fleet = 1, d.NewID(), d.now, event, d.Fleet
	if a.Nodes == nil {
		a.Nodes = []string{}
	}
	a.Message = message(&a)
	if d.URL != "" {
		a.URL = link(d.URL, &a)
	}
	n := Draft{Alert: a, Deliveries: map[string]string{}}
	for _, webhook := range d.Webhooks {
		n.Deliveries[d.NewID()] = webhook
	}
	return n
}

// message is one line for people. A certname is checked by Puppet's CA, yet here it is only a text.
func message(a *Alert) string {
	who := fmt.Sprintf("%d of %d nodes", a.Count, a.Fleet)
	if !a.Grouped && len(a.Nodes) == 1 {
		who = a.Nodes[0]
	}
	if a.ToldBefore > 0 {
		who += fmt.Sprintf(", beside %d that were told of one by one", a.ToldBefore)
	}
	what := says(a.Kind)
	if a.Reason != "" {
		what += fmt.Sprintf(" (%s)", a.Reason)
	}
	switch a.Event {
	case Recovered:
		if len(a.Still) > 0 {
			what += "; still so: " + strings.Join(a.Still, ", ")
		}
		return "recovered: " + who + ": " + what
	case Reminder:
		return "still: " + who + ": " + what
	}
	return who + ": " + what
}

func says(kind standing.Trouble) string {
	switch kind {
	case standing.Failing:
		return "Puppet runs fail"
	case standing.Stale:
		return "an old catalog is applied"
	case standing.Errored:
		return "no catalog is applied"
	case standing.Gone:
		return "nothing is heard of it"
	case standing.Stuck:
		return "a run has begun and not ended"
	case standing.Ending:
		return "the certificate ends soon, or has ended"
	}
	return string(kind)
}

// link leads to the node, or to the list of those that have the trouble now.
func link(base string, a *Alert) string {
	base = strings.TrimSuffix(base, "/")
	if !a.Grouped && len(a.Nodes) == 1 {
		return base + "/nodes/" + url.PathEscape(a.Nodes[0])
	}
	q := url.Values{"trouble": {string(a.Kind)}}
	if a.Reason != "" {
		q.Set("reason", string(a.Reason))
	}
	return base + "/nodes?" + q.Encode()
}
