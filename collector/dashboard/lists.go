package dashboard

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/alerts"
)

// pageNodes is how many nodes a page lists.
const pageNodes = 100

type nodesPage struct {
	At             time.Time
	All            int
	Selected       int
	Lines          []*collector.Line
	Facets         []choiceList
	Search         string
	Hidden         []hidden // what the search form keeps
	Columns        []column
	Clear          string // "" when nothing is selected
	Page, Pages    int
	Previous, Next string
}

type hidden struct{ Name, Value string }

// A column may be sorted by.
type column struct {
	Title, Link string
	Sorted      string // of aria-sort
}

func (d *Dashboard) nodes(w http.ResponseWriter, r *http.Request) {
	lines, at, err := d.fleet.get(r.Context())
	if err != nil {
		d.failed(w, r, err)
		return
	}
	f := newFilter(r.URL.Query())
	s := f.apply(lines)
	p := &nodesPage{At: at, All: len(lines), Selected: len(s.Lines), Facets: s.Facets, Search: f["q"], Columns: f.columns()}
	p.Pages = (len(s.Lines) + pageNodes - 1) / pageNodes
	p.Page = f.page(p.Pages)
	from := (p.Page - 1) * pageNodes
	p.Lines = s.Lines[from:min(from+pageNodes, len(s.Lines))]
	if p.Page > 1 {
		p.Previous = f.onPage(p.Page - 1)
	}
	if p.Page < p.Pages {
		p.Next = f.onPage(p.Page + 1)
	}
	for key, value := range f {
		if key != "q" && key != "page" {
			p.Hidden = append(p.Hidden, hidden{key, value})
		}
		if key != "sort" && key != "page" {
			p.Clear = "/nodes"
		}
	}
	d.show(w, r, http.StatusOK, "nodes", layout{Title: "Nodes", Section: "nodes", Live: true, Search: f["q"], Page: p})
}

func (f filter) onPage(n int) string {
	link := f.with("", "")
	return link + map[bool]string{true: "&", false: "?"}[strings.Contains(link, "?")] + "page=" + strconv.Itoa(n)
}

// columns are links that sort, and turn round what is sorted already.
func (f filter) columns() (columns []column) {
	sorted := f["sort"]
	if sorted == "" {
		sorted = "certname"
	}
	for _, c := range []struct{ key, title, first string }{
		{"certname", "Node", ""}, {"outcome", "Last run", "-"}, {"seen", "Heard of", ""}, {"took", "Took", "-"}, {"environment", "Environment", ""},
	} {
		column := column{Title: c.title, Link: f.with("sort", c.first+c.key)}
		switch sorted {
		case c.key:
			column.Sorted, column.Link = "ascending", f.with("sort", "-"+c.key)
		case "-" + c.key:
			column.Sorted, column.Link = "descending", f.with("sort", c.key)
		}
		columns = append(columns, column)
	}
	return columns
}

type resourcesPage struct{ Resources []collector.FailingResource }

type resourcePage struct {
	Resource string
	Nodes    []collector.FailingNode
	Next     string
}

// resources lists those that fail, or the nodes where one does.
func (d *Dashboard) resources(w http.ResponseWriter, r *http.Request) {
	title := r.URL.Query().Get("title")
	if title == "" {
		list, err := d.Store.FailingResources(r.Context(), pageNodes)
		if err != nil {
			d.failed(w, r, err)
			return
		}
		d.show(w, r, http.StatusOK, "resources", layout{Title: "Failing resources", Section: "resources", Live: true, Page: resourcesPage{list}})
		return
	}
	nodes, next, err := d.Store.FailingNodes(r.Context(), title, collector.Page{Limit: pageNodes, Cursor: r.URL.Query().Get("after")})
	if err != nil {
		d.failed(w, r, err)
		return
	}
	p := resourcePage{Resource: title, Nodes: nodes}
	if next != "" {
		p.Next = "/resources?" + url.Values{"title": {title}, "after": {next}}.Encode()
	}
	d.show(w, r, http.StatusOK, "resource", layout{Title: title, Section: "resources", Live: true, Page: p})
}

// shownTold is how many alerts a page has.
const shownTold = 50

type alertsPage struct {
	Alerts []*alerts.Told
	Next   string
}

// told shows what people were told.
func (d *Dashboard) told(w http.ResponseWriter, r *http.Request) {
	list, next, err := d.Store.Alerts(r.Context(), shownTold, r.URL.Query().Get("after"))
	if err != nil {
		d.failed(w, r, err)
		return
	}
	p := alertsPage{Alerts: list}
	if next != "" {
		p.Next = "/alerts?" + url.Values{"after": {next}}.Encode()
	}
	d.show(w, r, http.StatusOK, "alerts", layout{Title: "Alerts", Section: "alerts", Live: true, Page: p})
}
