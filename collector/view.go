package collector

import (
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// TroubleOfNode is something wrong with a node.
type TroubleOfNode struct {
	Kind         standing.Trouble `json:"kind"`
	Since        time.Time        `json:"since"` // by the collector's clock
	Reason       api.Reason       `json:"reason,omitempty"`
	Acknowledged *Acknowledgement `json:"acknowledged,omitempty"`
}

// Acknowledgement says who looks after a trouble.
type Acknowledgement struct {
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Comment string    `json:"comment,omitempty"`
}

// Line is what is shown of each node where many are.
type Line struct {
	Certname      string
	Environment   string
	PuppetVersion string
	LastSeen      time.Time
	// Outcome, Reason, ID, Ended and Took are of the last run that was not skipped; Outcome is
	// "" for a node without one.
	Outcome api.Outcome
	Reason  api.Reason
	ID      string
	Ended   *time.Time
	Took    time.Duration // 0: not known
	// Skipped is why the last run was skipped; "" when it was not.
	Skipped  api.Reason
	Disabled bool
	Running  bool
	Presence standing.Presence
	Troubles standing.Troubles
	// Acknowledged are those of the troubles that somebody looks after.
	Acknowledged standing.Troubles
	Dropped      int
}

// Minute is what was received in a minute.
type Minute struct {
	At       time.Time // its beginning, of whole minutes since 1970
	Outcomes map[api.Outcome]int
	// Took counts the executed runs by how long they took: in each bucket those that took
	// longer than the bound before and as long as its own bound at most, the last without a
	// bound. Runs of which it is not known count nowhere.
	Took [len(TookBounds) + 1]int
}

// TookBounds are the bounds of the buckets of Minute.Took.
var TookBounds = [...]time.Duration{
	5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second, 45 * time.Second, time.Minute,
	90 * time.Second, 2 * time.Minute, 3 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, time.Hour,
}

// FailingResource is a resource that failed in the last run of some nodes.
type FailingResource struct {
	Resource string `json:"resource"`
	Nodes    int    `json:"nodes"`
}

// FailingNode is a node in whose last run a resource failed.
type FailingNode struct {
	Certname string     `json:"certname"`
	RunID    string     `json:"run_id"`
	Ended    *time.Time `json:"ended,omitempty"`
	File     string     `json:"file,omitempty"`
	Line     int        `json:"line,omitempty"`
	Message  string     `json:"message,omitempty"`
}
