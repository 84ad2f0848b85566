package collector

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/puppet-cron/puppet-cron/collector/pki"
)

// Options are what a Collector is made of.
type Options struct {
	Store Store
	Log   *slog.Logger
	Now   func() time.Time // nil: time.Now
	// Version is shown in the API's description and in the metrics.
	Version string
	// Operators are the certnames whose certificates give the role admin.
	Operators []string
	// Dev: there is no TLS, everybody is admin and may write for any node.
	Dev bool
	// PKI says which certificates count. Nil only with Dev.
	PKI    *pki.Trust
	Limits Limits
	// Site makes the pages for people; nil: there are none.
	Site func(*Desk) Site
	// Alerts has what people were told of troubles; nil: nothing.
	Alerts Alerts
	// Digested is when it was last looked for changes to tell people of; nil: nobody looks.
	Digested func() time.Time
	// Ticked is when it was last known how all nodes stand, for the metrics; nil: nobody looks.
	Ticked func() time.Time
}

// Limits bound what the collector takes on at once. Zero fields have defaults.
type Limits struct {
	// BodyBytes is how much of request bodies, unpacked, may be in memory at once: 64 MiB.
	// Decoded they take up to three times as much. So much may be of answers with runs, too.
	BodyBytes int64
	// GroupRuns is how many runs are committed together at most: 1000.
	GroupRuns int
	// QueueRuns is how many runs may wait for a commit: 20,000.
	QueueRuns int
}

func (l *Limits) setDefaults() {
	if l.BodyBytes == 0 {
		l.BodyBytes = 64 << 20
	}
	if l.GroupRuns == 0 {
		l.GroupRuns = 1000
	}
	if l.QueueRuns == 0 {
		l.QueueRuns = 20_000
	}
}

// A Collector answers requests. Its parts share nothing but the Store.
type Collector struct {
	store   Store
	log     *slog.Logger
	now     func() time.Time
	who     *identifier
	bodies  *bodies
	answers *bodies       // with runs, on their way to who asked
	reads   chan struct{} // for as many as may be made at once
	commits *committer
	audit   *auditor
	metrics *metrics
	trust   *pki.Trust
	ends    *certificates
	alerts  Alerts
	site    Site
	routes  map[string]Route // of the site, by pattern

	mux  *http.ServeMux
	root http.Handler

	unready atomic.Value // the reason for which /readyz said no; "" when it says yes
	spec    *huma.OpenAPI
}

// New makes a Collector of its parts. An error says which part is missing.
func New(o Options) (*Collector, error) {
	switch {
	case o.Store == nil:
		return nil, errors.New("a collector needs a store")
	case o.PKI == nil && !o.Dev:
		return nil, errors.New("a collector needs certificates; only --dev goes without")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	never := func() time.Time { return time.Time{} }
	if o.Ticked == nil {
		o.Ticked = never
	}
	if o.Digested == nil {
		o.Digested = never
	}
	o.Limits.setDefaults()
	c := &Collector{store: o.Store, log: o.Log, now: o.Now, trust: o.PKI, alerts: o.Alerts}
	c.bodies = newBodies(o.Limits.BodyBytes)
	c.answers = newBodies(o.Limits.BodyBytes)
	c.reads = make(chan struct{}, readsAtOnce)
	c.commits = newCommitter(o.Store, o.Now, o.Log, o.Limits)
	c.audit = newAuditor(o.Store, o.Now, o.Log)
	c.ends = newCertificates(o.Store, o.Now, o.Log)
	c.metrics = newMetrics(c, o)
	c.commits.observe = c.metrics.group
	c.who = &identifier{store: o.Store, now: o.Now, trust: o.PKI, operators: o.Operators, dev: o.Dev}
	c.mux = http.NewServeMux()
	c.addOperations(o.Version)
	if o.Site != nil {
		c.addSite(o.Site(&Desk{c}))
	}
	c.root = c.front()
	return c, nil
}

// Handler answers every request. It waits for commits that Run makes.
func (c *Collector) Handler() http.Handler { return c.root }

// Run commits what the handlers hand over, until ctx is done and all that waits has been
// committed. End it after the server's Shutdown: what comes later is told to come again.
func (c *Collector) Run(ctx context.Context) {
	var others sync.WaitGroup
	others.Go(func() { c.audit.run(ctx) })
	others.Go(func() { c.ends.run(ctx) })
	c.commits.run(ctx)
	others.Wait()
}
