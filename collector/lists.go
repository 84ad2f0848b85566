package collector

import (
	"context"
	"net/http"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// Paging is what every list is asked with. It is exported for huma alone, which overlooks
// what is embedded otherwise.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"How many entries a page has at most."`
	Cursor string `query:"cursor" doc:"The next_cursor of the page before. Without it, the first page."`
}

func (p *Paging) page() Page { return Page{Limit: p.Limit, Cursor: p.Cursor} }

type runsInput struct {
	Paging
	Certname    string    `query:"certname" doc:"Of this node only."`
	Outcome     string    `query:"outcome" doc:"With this outcome only."`
	Reason      string    `query:"reason" doc:"With this reason only."`
	Environment string    `query:"environment" doc:"Of this Puppet environment only."`
	Since       time.Time `query:"since" doc:"Received at this time or later (RFC 3339)."`
	Until       time.Time `query:"until" doc:"Received before this time (RFC 3339)."`
}

type runList struct {
	Runs       []*Stored `json:"runs" nullable:"false"`
	NextCursor string    `json:"next_cursor,omitempty"`
}

func (c *Collector) listRuns(ctx context.Context, in *runsInput) (*answer, error) {
	certname, p := c.own(ctx, "runs.list", in.Certname)
	if p != nil {
		return nil, p
	}
	return c.sendRuns(ctx, func() (any, *problem) {
		runs, next, err := c.store.Runs(ctx, RunFilter{
			Certname: certname, Outcome: api.Outcome(in.Outcome), Reason: api.Reason(in.Reason),
			Environment: in.Environment, Since: in.Since, Until: in.Until,
		}, in.page())
		if err != nil {
			return nil, c.failed(ctx, err)
		}
		if runs == nil {
			runs = []*Stored{}
		}
		return runList{runs, next}, nil
	})
}

// own limits a list to what the caller may see: without a role, to his own node.
func (c *Collector) own(ctx context.Context, action, asked string) (certname string, p *problem) {
	req := requestOf(ctx)
	if req.who.may(Viewer) {
		return asked, nil
	}
	if req.who.certname == "" || (asked != "" && asked != req.who.certname) {
		return "", c.forbid(req, action, asked, "a node sees itself only")
	}
	return req.who.certname, nil
}

// forbid refuses, and notes the attempt.
func (c *Collector) forbid(req *request, action, target, why string) *problem {
	c.refused(req.http, req.who, action, target, why)
	return refuse(http.StatusForbidden, "%s", why)
}

// need refuses who does not have a role.
func (c *Collector) need(ctx context.Context, r Role, action, target string) *problem {
	if req := requestOf(ctx); !req.who.may(r) {
		return c.forbid(req, action, target, "the role "+string(r)+" is needed")
	}
	return nil
}

type runInput struct {
	ID string `path:"id" doc:"The run's id: a UUID in lower case."`
}

func (c *Collector) getRun(ctx context.Context, in *runInput) (*answer, error) {
	if !api.ValidID(in.ID) {
		return nil, refuse(http.StatusNotFound, "there is no such run: the id is not a UUID in lower case")
	}
	return c.sendRuns(ctx, func() (any, *problem) {
		run, err := c.store.Run(ctx, in.ID)
		if err != nil {
			return nil, c.failed(ctx, err)
		}
		if req := requestOf(ctx); !req.who.sees(run.Certname) {
			return nil, c.forbid(req, "run.get", in.ID, "a node sees itself only")
		}
		return run, nil
	})
}

type nodeInput struct {
	Certname string `path:"certname" doc:"The node's certname."`
}

type nodeOutput struct{ Body *Node }

func (c *Collector) getNode(ctx context.Context, in *nodeInput) (*nodeOutput, error) {
	if req := requestOf(ctx); !req.who.sees(in.Certname) {
		return nil, c.forbid(req, "node.get", in.Certname, "a node sees itself only")
	}
	node, err := c.store.Node(ctx, in.Certname)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	return &nodeOutput{node}, nil
}

// retireNode answers 204 for a node that is retired already, too.
func (c *Collector) retireNode(ctx context.Context, in *nodeInput) (*struct{}, error) {
	if p := c.need(ctx, Operator, "node.retire", in.Certname); p != nil {
		return nil, p
	}
	if err := c.store.Retire(ctx, in.Certname, c.now()); err != nil {
		return nil, c.failed(ctx, err)
	}
	req := requestOf(ctx)
	c.audit.changed(ctx, AuditEntry{Actor: req.who.actor, Remote: req.http.RemoteAddr, Action: "node.retire", Target: in.Certname})
	return nil, nil
}

type summaryOutput struct{ Body *Summary }

func (c *Collector) getSummary(ctx context.Context, _ *struct{}) (*summaryOutput, error) {
	if p := c.need(ctx, Viewer, "summary.get", ""); p != nil {
		return nil, p
	}
	s, err := c.store.Summary(ctx)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	return &summaryOutput{s}, nil
}

type auditOutput struct{ Body auditList }

type auditList struct {
	Entries    []AuditEntry `json:"entries" nullable:"false"`
	NextCursor string       `json:"next_cursor,omitempty"`
}

func (c *Collector) getAudit(ctx context.Context, in *Paging) (*auditOutput, error) {
	if p := c.need(ctx, Admin, "audit.list", ""); p != nil {
		return nil, p
	}
	entries, next, err := c.store.AuditLog(ctx, in.page())
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	if entries == nil {
		entries = []AuditEntry{}
	}
	return &auditOutput{auditList{entries, next}}, nil
}
