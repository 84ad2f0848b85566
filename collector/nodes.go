package collector

import (
	"bufio"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

type nodesInput struct {
	Paging
	Outcome       string `query:"outcome" doc:"Whose last run has this outcome: skipped goes by the last run, every other outcome by the last that was not skipped."`
	Reason        string `query:"reason" doc:"Whose run has this reason: the run that outcome goes by; without outcome, either."`
	Environment   string `query:"environment" doc:"Of this Puppet environment only."`
	Disabled      string `query:"disabled" enum:"true,false" doc:"Whether Puppet is disabled on the node."`
	PuppetVersion string `query:"puppet_version" doc:"With this version of Puppet only."`
	Presence      string `query:"presence" enum:"present,late,silent,unknown" doc:"Whether the node is heard of when it should be."`
	Trouble       string `query:"trouble" enum:"failing,stale,errored,silent,stuck,certificate" doc:"With this trouble only."`
	Retired       bool   `query:"retired" doc:"Those that are retired, instead of those that are not."`
	Format        string `query:"format" enum:"json,names" default:"json" doc:"names: all certnames as text, one a line; limit and cursor do not count then."`
}

func (in *nodesInput) filter() NodeFilter {
	f := NodeFilter{
		Outcome: api.Outcome(in.Outcome), Reason: api.Reason(in.Reason), Environment: in.Environment,
		PuppetVersion: in.PuppetVersion, Retired: in.Retired,
		Presence: standing.Presence(in.Presence), Trouble: standing.Trouble(in.Trouble),
	}
	if in.Disabled != "" {
		disabled := in.Disabled == "true"
		f.Disabled = &disabled
	}
	return f
}

type nodeList struct {
	Nodes      []*Node `json:"nodes" nullable:"false"`
	NextCursor string  `json:"next_cursor,omitempty"`
}

func (c *Collector) listNodes(ctx context.Context, in *nodesInput) (*answer, error) {
	f := in.filter()
	var p *problem
	if f.Certname, p = c.own(ctx, "nodes.list", ""); p != nil {
		return nil, p
	}
	page := in.page()
	if in.Format == "names" {
		page = Page{Limit: MaxPage}
	}
	// The first page is looked up before anything is sent: what fails is a problem still.
	nodes, next, err := c.store.Nodes(ctx, f, page)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	if in.Format == "names" {
		return &answer{func(huma.Context) { c.streamNames(ctx, f, nodes, next) }}, nil
	}
	if nodes == nil {
		nodes = []*Node{}
	}
	return &answer{func(hc huma.Context) { c.sendJSON(hc, nodeList{nodes, next}) }}, nil
}

func (c *Collector) sendJSON(hc huma.Context, v any) {
	hc.SetHeader("Content-Type", "application/json")
	hc.SetStatus(http.StatusOK)
	if err := huma.DefaultJSONFormat.Marshal(hc.BodyWriter(), v); err != nil {
		c.log.Debug("an answer was not read to its end", "error", err)
	}
}

// streamNames sends the certnames of all pages. When it cannot go on, it breaks the
// connection: a list of hosts that looks whole and is not would be taken for one.
func (c *Collector) streamNames(ctx context.Context, f NodeFilter, nodes []*Node, next string) {
	w := requestOf(ctx).w
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	out := bufio.NewWriter(w)
	control := http.NewResponseController(w)
	for {
		// Each page has as long as a whole answer may take.
		_ = control.SetWriteDeadline(time.Now().Add(writeTimeout)) // tests' writers have none
		for _, n := range nodes {
			if !isHost(n.Certname) {
				c.log.Warn("a certname that is no name of a host is left out of a list of names", "certname", n.Certname)
				continue
			}
			_, _ = out.WriteString(n.Certname + "\n") // the error comes with Flush
		}
		if next == "" {
			break
		}
		var err error
		if nodes, next, err = c.store.Nodes(ctx, f, Page{Limit: MaxPage, Cursor: next}); err != nil {
			c.log.Warn("a list of names was broken off", "error", err, "request", requestID(ctx))
			_ = out.Flush()
			panic(http.ErrAbortHandler)
		}
	}
	_ = out.Flush() // who has left misses it
}

// isHost reports whether a certname may stand in a list for xargs and the like: no blank,
// no quote, no line end, and no option.
func isHost(certname string) bool {
	for _, c := range []byte(certname) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_', c == ':', c == '@':
		default:
			return false
		}
	}
	return certname != "" && certname[0] != '-'
}
