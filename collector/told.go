package collector

import (
	"context"

	"github.com/puppet-cron/puppet-cron/collector/alerts"
)

// Alerts is what the API tells of alerts. It is a consumer's interface.
type Alerts interface {
	Alerts(ctx context.Context, limit int, cursor string) (alerts []*alerts.Told, next string, err error)
	Numbers(ctx context.Context) (*alerts.Numbers, error)
}

type alertsInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many alerts a page has at most."`
	Cursor string `query:"cursor" doc:"The next_cursor of the page before. Without it, the first page."`
}

type alertsOutput struct{ Body alertList }

type alertList struct {
	Alerts     []*alerts.Told `json:"alerts" nullable:"false"`
	NextCursor string         `json:"next_cursor,omitempty"`
}

func (c *Collector) listAlerts(ctx context.Context, in *alertsInput) (*alertsOutput, error) {
	if p := c.need(ctx, Viewer, "alerts.list", ""); p != nil {
		return nil, p
	}
	if c.alerts == nil {
		return &alertsOutput{alertList{Alerts: []*alerts.Told{}}}, nil
	}
	told, next, err := c.alerts.Alerts(ctx, in.Limit, in.Cursor)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	if told == nil {
		told = []*alerts.Told{}
	}
	return &alertsOutput{alertList{told, next}}, nil
}
