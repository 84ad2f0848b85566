package dashboard

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// shownRuns is how many runs a node's page has: two days of a node that runs each half an hour.
const shownRuns = 96

type nodePage struct {
	Node  *collector.Node
	Strip []cell
	Runs  []*collector.Stored
	Last  *collector.Stored // the last run that was not skipped, whole
}

func (d *Dashboard) node(w http.ResponseWriter, r *http.Request) {
	n, err := d.Store.Node(r.Context(), r.PathValue("certname"))
	if err != nil {
		d.failed(w, r, err)
		return
	}
	p := &nodePage{Node: n}
	if p.Runs, _, err = d.Store.Runs(r.Context(), collector.RunFilter{Certname: n.Certname}, collector.Page{Limit: shownRuns}); err != nil {
		d.failed(w, r, err)
		return
	}
	p.Strip = strip(n, p.Runs)
	if n.LastExecuted != nil {
		p.Last = d.whole(r, p.Runs, n.LastExecuted.ID)
	}
	d.show(w, r, http.StatusOK, "node", layout{Title: n.Certname, Section: "nodes", Live: true, Page: p})
}

// whole is a run that is among others, or is asked for. Nil: it was pruned.
func (d *Dashboard) whole(r *http.Request, runs []*collector.Stored, id string) *collector.Stored {
	if i := slices.IndexFunc(runs, func(s *collector.Stored) bool { return s.ID == id }); i >= 0 {
		return runs[i]
	}
	run, err := d.Store.Run(r.Context(), id)
	if err != nil {
		return nil
	}
	return run
}

// A timing is a part of a run.
type timing struct {
	Name    string
	Seconds float64
}

type runPage struct {
	Run     *collector.Stored
	Offset  *int
	Timings []timing
	Took    time.Duration
}

// maxShownTimings is how many timings a page has, the longest.
const maxShownTimings = 20

func (d *Dashboard) run(w http.ResponseWriter, r *http.Request) {
	run, err := d.Store.Run(r.Context(), r.PathValue("id"))
	if err != nil {
		d.failed(w, r, err)
		return
	}
	p := &runPage{Run: run}
	if run.Schedule != nil {
		p.Offset = run.Schedule.UTCOffsetS
	}
	if run.Usage != nil {
		p.Took = time.Duration(run.Usage.WallS * float64(time.Second))
	}
	for _, name := range slices.Sorted(maps.Keys(run.TimingsS)) {
		p.Timings = append(p.Timings, timing{name, run.TimingsS[name]})
	}
	slices.SortStableFunc(p.Timings, func(a, b timing) int {
		return map[bool]int{true: -1, false: 1}[a.Seconds > b.Seconds]
	})
	p.Timings = p.Timings[:min(len(p.Timings), maxShownTimings)]
	d.show(w, r, http.StatusOK, "run", layout{Title: "Run of " + run.Certname, Section: "nodes", Page: p})
}

func (d *Dashboard) acknowledge(w http.ResponseWriter, r *http.Request) {
	certname := r.PathValue("certname")
	comment := r.PostForm.Get("comment")
	if len(comment) > collector.MaxComment {
		d.refused(w, r, http.StatusBadRequest, "The comment is too long: 1024 bytes are the most.")
		return
	}
	kind := standing.Trouble(r.PostForm.Get("trouble"))
	if err := d.Desk.Acknowledge(r, certname, kind, comment); err != nil {
		d.failed(w, r, err)
		return
	}
	d.fleet.drop()
	http.Redirect(w, r, "/nodes/"+url.PathEscape(certname), http.StatusSeeOther)
}

// askRetire is between the button and the deed.
func (d *Dashboard) askRetire(w http.ResponseWriter, r *http.Request) {
	n, err := d.Store.Node(r.Context(), r.PathValue("certname"))
	if err != nil {
		d.failed(w, r, err)
		return
	}
	d.show(w, r, http.StatusOK, "retire", layout{Title: "Retire " + n.Certname, Section: "nodes", Page: n})
}

func (d *Dashboard) retire(w http.ResponseWriter, r *http.Request) {
	certname := r.PathValue("certname")
	if err := d.Desk.Retire(r, certname); err != nil {
		d.failed(w, r, err)
		return
	}
	d.fleet.drop()
	http.Redirect(w, r, "/nodes/"+url.PathEscape(certname), http.StatusSeeOther)
}
