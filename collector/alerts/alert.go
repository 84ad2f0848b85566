package alerts

import (
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// Event says what an alert tells.
type Event string

// The events.
const (
	Opened    Event = "opened"
	Reminder  Event = "reminder"
	Recovered Event = "recovered"
)

// MaxNodes is how many nodes an alert names.
const MaxNodes = 50_000

// Alert is what people are told. Its JSON is what webhooks get.
type Alert struct {
	Schema int       `json:"schema"` // 1; fields may be added without raising it
	ID     string    `json:"id"`     // the same for all webhooks
	At     time.Time `json:"at"`
	Event  Event     `json:"event"`
	// About is the alert by which people were told first; "" of that one itself, and of a grouped
	// recovery of many that were told one by one.
	About  string           `json:"about,omitempty"`
	Kind   standing.Trouble `json:"kind"`
	Reason api.Reason       `json:"reason,omitempty"`
	Since  time.Time        `json:"since"` // when the first of these nodes had the trouble
	// Grouped: many nodes have changed for the same reason.
	Grouped bool `json:"grouped"`
	Count   int  `json:"count"` // of nodes
	// ToldBefore is how many more have it of which people were told one by one within the last hour.
	ToldBefore int `json:"told_before,omitempty"`
	Fleet      int `json:"fleet"` // nodes that there are in all
	// Nodes are their certnames, sorted; NodesCut is how many more there are.
	Nodes    []string `json:"nodes" nullable:"false"`
	NodesCut int      `json:"nodes_cut,omitempty"`
	// Still names nodes that have the trouble although most have recovered: no alert tells of
	// them again.
	Still   []string `json:"still,omitempty"`
	Message string   `json:"message"` // one line, for people
	URL     string   `json:"url,omitempty"`
}

// Matter is what alerts are grouped by.
type Matter struct {
	Kind   standing.Trouble
	Reason api.Reason
}

// Told is an alert and its ways to the webhooks.
type Told struct {
	Alert
	// Members is how many nodes of a grouped alert still have the trouble.
	Members    int   `json:"members"`
	Deliveries []Way `json:"deliveries" nullable:"false"`
}

// Way is how far a delivery came.
type Way struct {
	ID      string     `json:"id"`
	Webhook string     `json:"webhook"`
	Tries   int        `json:"tries"`
	Error   string     `json:"error,omitempty"` // of the last try
	Due     *time.Time `json:"due,omitempty"`   // nil: it has ended
	Ended   *time.Time `json:"ended,omitempty"` // taken, or with an Error given up
}

// Delivery is an alert on its way to one webhook.
type Delivery struct {
	ID      string
	Webhook string
	Tries   int // with this one
	Created time.Time
	Alert   *Alert
}

// Numbers are for the metrics.
type Numbers struct {
	Open      int       // grouped alerts whose trouble is not over
	Changes   int       // that were not digested yet
	Pending   int       // deliveries under way
	GivenUp   int       // deliveries that were given up, of those that are remembered
	OldestDue time.Time // since when the oldest of those under way is due; zero without any
}
