package dashboard

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// A filter selects nodes. Its fields are parameters of the page's address, and "" selects all.
type filter map[string]string

// A facet is a parameter that a list of links is shown for.
type facet struct {
	Key, Title string
	// of gives the values that a node has.
	of func(*collector.Line) []string
}

// none is the outcome of a node without a run.
const none = "none"

func facets() []facet {
	one := func(of func(*collector.Line) string) func(*collector.Line) []string {
		return func(l *collector.Line) []string {
			if v := of(l); v != "" {
				return []string{v}
			}
			return nil
		}
	}
	return []facet{
		{"outcome", "Outcome", one(func(l *collector.Line) string { return cmp.Or(string(l.Outcome), none) })},
		{"trouble", "Trouble", func(l *collector.Line) (kinds []string) {
			for _, t := range l.Troubles.List() {
				kinds = append(kinds, string(t))
			}
			return kinds
		}},
		{"presence", "Heard of", one(func(l *collector.Line) string { return string(l.Presence) })},
		{"reason", "Reason", one(func(l *collector.Line) string { return string(l.Reason) })},
		{"state", "State", func(l *collector.Line) (states []string) {
			if l.Disabled {
				states = append(states, "disabled")
			}
			if l.Running {
				states = append(states, "running")
			}
			if l.Skipped != "" {
				states = append(states, "skipped")
			}
			if l.Acknowledged != 0 {
				states = append(states, "acknowledged")
			}
			return states
		}},
		{"environment", "Environment", one(func(l *collector.Line) string { return l.Environment })},
		{"puppet_version", "Puppet", one(func(l *collector.Line) string { return l.PuppetVersion })},
	}
}

// newFilter reads the parameters that it knows; those of a link that is old or mistyped select nothing.
func newFilter(q url.Values) filter {
	f := filter{}
	for _, key := range []string{"q", "sort", "page"} {
		f.set(key, q.Get(key))
	}
	for _, facet := range facets() {
		f.set(facet.Key, q.Get(facet.Key))
	}
	return f
}

func (f filter) set(key, value string) {
	if value != "" {
		f[key] = value
	}
}

// with is the address of the page with another value of one parameter, and from its first page on.
func (f filter) with(key, value string) string {
	other := maps.Clone(f)
	delete(other, "page")
	delete(other, key)
	other.set(key, value)
	q := url.Values{}
	for k, v := range other {
		q.Set(k, v)
	}
	if len(q) == 0 {
		return "/nodes"
	}
	return "/nodes?" + q.Encode()
}

// A choice is a value of a facet, as a link.
type choice struct {
	Value  string
	Nodes  int
	Link   string
	Chosen bool
}

// A choiceList is a facet and what there is to choose.
type choiceList struct {
	Key, Title string
	Choices    []choice
	More       int // values that are not shown
}

// maxChoices is how many values of a facet are shown.
const maxChoices = 12

// selection is what a filter leaves of the fleet.
type selection struct {
	Lines  []*collector.Line
	Facets []choiceList
}

// apply selects lines, and counts for each facet what there would be with another value of it.
func (f filter) apply(lines []collector.Line) selection {
	all := facets()
	counts := make([]map[string]int, len(all))
	for i := range counts {
		counts[i] = map[string]int{}
	}
	search := strings.ToLower(f["q"])
	var s selection
	for i := range lines {
		l := &lines[i]
		if search != "" && !strings.Contains(strings.ToLower(l.Certname), search) {
			continue
		}
		failed, which := f.misses(all, l)
		if failed == 0 {
			s.Lines = append(s.Lines, l)
		}
		for k := range all {
			if failed == 0 || failed == 1 && which == k {
				for _, v := range all[k].of(l) {
					counts[k][v]++
				}
			}
		}
	}
	for k := range all {
		s.Facets = append(s.Facets, f.choices(&all[k], counts[k]))
	}
	f.sort(s.Lines)
	return s
}

// misses is how many facets a node does not pass, and one of them.
func (f filter) misses(all []facet, l *collector.Line) (failed, which int) {
	for k := range all {
		if want := f[all[k].Key]; want != "" && !slices.Contains(all[k].of(l), want) {
			failed, which = failed+1, k
		}
	}
	return failed, which
}

func (f filter) choices(facet *facet, counts map[string]int) choiceList {
	list := choiceList{Key: facet.Key, Title: facet.Title}
	chosen := f[facet.Key]
	if chosen != "" && counts[chosen] == 0 {
		counts[chosen] = 0 // what is chosen is shown although nobody has it
	}
	values := slices.Collect(maps.Keys(counts))
	slices.SortFunc(values, func(a, b string) int {
		if chosen != "" && (a == chosen) != (b == chosen) {
			return map[bool]int{true: -1, false: 1}[a == chosen]
		}
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	list.More = max(len(values)-maxChoices, 0)
	for _, v := range values[:len(values)-list.More] {
		c := choice{Value: v, Nodes: counts[v], Link: f.with(facet.Key, v)}
		if v == chosen {
			c.Chosen, c.Link = true, f.with(facet.Key, "")
		}
		list.Choices = append(list.Choices, c)
	}
	return list
}

// sort orders by certname, or by what f says: "-" in front turns it round.
func (f filter) sort(lines []*collector.Line) {
	by, down := strings.CutPrefix(f["sort"], "-")
	compare := func(a, b *collector.Line) int { return 0 }
	switch by {
	case "seen":
		compare = func(a, b *collector.Line) int { return a.LastSeen.Compare(b.LastSeen) }
	case "took":
		compare = func(a, b *collector.Line) int { return cmp.Compare(a.Took, b.Took) }
	case "outcome":
		compare = func(a, b *collector.Line) int { return cmp.Compare(badness(a), badness(b)) }
	case "environment":
		compare = func(a, b *collector.Line) int { return cmp.Compare(a.Environment, b.Environment) }
	}
	slices.SortFunc(lines, func(a, b *collector.Line) int {
		order := compare(a, b)
		if by == "" || by == "certname" {
			order = cmp.Compare(a.Certname, b.Certname)
		}
		if down {
			order = -order
		}
		return cmp.Or(order, cmp.Compare(a.Certname, b.Certname))
	})
}

// badness puts the worst nodes last.
func badness(l *collector.Line) int {
	bad := slices.Index([]api.Outcome{api.Unchanged, api.Changed, "", api.Stale, api.Interrupted, api.TimedOut, api.Failed, api.Errored}, l.Outcome)
	if l.Troubles.Has(standing.Gone) || l.Troubles.Has(standing.Stuck) {
		bad += 100
	}
	return bad
}

// page is the number of the page, from 1.
func (f filter) page(of int) int {
	n, err := strconv.Atoi(f["page"])
	if err != nil {
		return 1
	}
	return min(max(n, 1), max(of, 1))
}
