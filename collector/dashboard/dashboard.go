package dashboard

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/alerts"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// Store is what pages are made of. collector/sqlstore implements it.
type Store interface {
	Fleet(ctx context.Context) ([]collector.Line, error)
	Activity(ctx context.Context, from, until time.Time) ([]collector.Minute, error)
	FailingResources(ctx context.Context, limit int) ([]collector.FailingResource, error)
	FailingNodes(ctx context.Context, resource string, p collector.Page) ([]collector.FailingNode, string, error)
	Node(ctx context.Context, certname string) (*collector.Node, error)
	Run(ctx context.Context, id string) (*collector.Stored, error)
	Runs(ctx context.Context, f collector.RunFilter, p collector.Page) ([]*collector.Stored, string, error)
	Alerts(ctx context.Context, limit int, cursor string) ([]*alerts.Told, string, error)
}

// Desk is where pages learn who visits, and do what visitors ask for. *collector.Desk is one.
type Desk interface {
	Visitor(w http.ResponseWriter, r *http.Request) collector.Visitor
	Login(w http.ResponseWriter, r *http.Request, token string) error
	Logout(w http.ResponseWriter, r *http.Request) error
	Retire(r *http.Request, certname string) error
	Acknowledge(r *http.Request, certname string, kind standing.Trouble, comment string) error
}

// Options are what a Dashboard is made of.
type Options struct {
	Store   Store
	Desk    Desk
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now
	Version string
}

// Dashboard makes pages.
type Dashboard struct {
	Options
	pages    pages
	assets   assets
	fleet    *snapshot
	activity *activity
}

// New makes a Dashboard.
func New(o Options) *Dashboard {
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Dashboard{Options: o, assets: newAssets()}
	d.pages = newPages(d.assets)
	d.fleet = &snapshot{load: o.Store.Fleet, now: o.Now}
	d.activity = &activity{load: o.Store.Activity, now: o.Now, log: o.Log}
	return d
}

// Site is the pages and who may see them.
func (d *Dashboard) Site() collector.Site {
	page := func(pattern string, h http.HandlerFunc) collector.Route {
		return collector.Route{Pattern: pattern, Handler: h}
	}
	open := func(pattern string, h http.HandlerFunc) collector.Route {
		return collector.Route{Pattern: pattern, Handler: h, Open: true}
	}
	return collector.Site{Refused: d.refused, Routes: []collector.Route{
		page("GET /{$}", d.overview),
		page("GET /nodes", d.nodes),
		page("GET /nodes/{certname}", d.node),
		page("GET /nodes/{certname}/retire", d.askRetire),
		page("POST /nodes/{certname}/retire", d.retire),
		page("POST /nodes/{certname}/acknowledge", d.acknowledge),
		page("GET /runs/{id}", d.run),
		page("GET /resources", d.resources),
		page("GET /alerts", d.told),
		page("POST /logout", d.logout),
		open("GET /login", d.loginForm),
		open("POST /login", d.login),
		open("GET /static/{file}", d.assets.serve),
	}}
}
