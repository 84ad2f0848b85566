package collector

import (
	"context"
	"net/http"

	"github.com/puppet-cron/puppet-cron/collector/standing"
)

type acknowledgeInput struct {
	Certname string `path:"certname" doc:"The node's certname."`
	Body     acknowledgeBody
}

type acknowledgeBody struct {
	Trouble string `json:"trouble,omitempty" enum:"failing,stale,errored,silent,stuck,certificate"`
	Comment string `json:"comment,omitempty" maxLength:"1024"`
}

// MaxComment is how long the comment of an acknowledgement may be, in bytes.
const MaxComment = 1 << 10

// acknowledgeNode answers 204.
func (c *Collector) acknowledgeNode(ctx context.Context, in *acknowledgeInput) (*struct{}, error) {
	if p := c.need(ctx, Operator, "node.acknowledge", in.Certname); p != nil {
		return nil, p
	}
	if !isText(in.Body.Comment) {
		return nil, refuse(http.StatusUnprocessableEntity, "body.comment: it is no text")
	}
	req := requestOf(ctx)
	if err := c.acknowledge(ctx, req, in.Certname, standing.Trouble(in.Body.Trouble), in.Body.Comment); err != nil {
		return nil, c.failed(ctx, err)
	}
	return nil, nil
}

func (c *Collector) acknowledge(ctx context.Context, req *request, certname string, kind standing.Trouble, comment string) error {
	a := Acknowledgement{By: req.who.actor, At: c.now(), Comment: comment}
	if err := c.store.Acknowledge(ctx, certname, kind, a); err != nil {
		return err
	}
	detail := string(kind)
	if detail == "" {
		detail = "all troubles"
	}
	c.audit.changed(ctx, AuditEntry{Actor: a.By, Remote: req.http.RemoteAddr, Action: "node.acknowledge", Target: certname, Detail: detail})
	return nil
}

type resourcesInput struct {
	Limit int `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"How many resources at most."`
}

type resourcesOutput struct{ Body failingResourceList }

type failingResourceList struct {
	Resources []FailingResource `json:"resources" nullable:"false"`
}

func (c *Collector) listResources(ctx context.Context, in *resourcesInput) (*resourcesOutput, error) {
	if p := c.need(ctx, Viewer, "resources.list", ""); p != nil {
		return nil, p
	}
	list, err := c.store.FailingResources(ctx, in.Limit)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	return &resourcesOutput{failingResourceList{list}}, nil
}

type resourceNodesInput struct {
	Paging
	Resource string `query:"resource" required:"true" doc:"The resource, such as File[/etc/x]."`
}

type resourceNodesOutput struct{ Body failingNodeList }

type failingNodeList struct {
	Nodes      []FailingNode `json:"nodes" nullable:"false"`
	NextCursor string        `json:"next_cursor,omitempty"`
}

func (c *Collector) listResourceNodes(ctx context.Context, in *resourceNodesInput) (*resourceNodesOutput, error) {
	if p := c.need(ctx, Viewer, "resources.list", in.Resource); p != nil {
		return nil, p
	}
	nodes, next, err := c.store.FailingNodes(ctx, in.Resource, in.page())
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	return &resourceNodesOutput{failingNodeList{nodes, next}}, nil
}
