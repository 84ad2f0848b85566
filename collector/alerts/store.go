package alerts

import (
	"context"
	"time"

	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// Store keeps what is to be told. It is a consumer's interface; collector/sqlstore implements
// it, and collector/storetest says what must hold.
type Store interface {
	// Digest hands decide what has changed and what was told of it, and stores what decide
	// answers, all in one transaction: of several collectors one does so at a time. decide is
	// not called where there is nothing to decide, and again when another transaction was in the way.
	Digest(ctx context.Context, now time.Time, decide func(*Situation) Decision) error
	// Claim gives the oldest delivery to a webhook that is due, and makes it due again when
	// lease is over: nobody else gets it before. One whose alert is about another is not due as
	// long as that one is on its way to the same webhook. Nil without any.
	Claim(ctx context.Context, webhook string, now time.Time, lease time.Duration) (*Delivery, error)
	// Settle notes that a delivery was taken, or with a failure that it was given up.
	Settle(ctx context.Context, id string, now time.Time, failure string) error
	// Postpone notes that a delivery failed, and when it is due again.
	Postpone(ctx context.Context, id string, due time.Time, failure string) error
	// Alerts lists what was told, the newest first. The empty cursor is the first page going
	// in, and the end coming out.
	Alerts(ctx context.Context, limit int, cursor string) (alerts []*Told, next string, err error)
	// Numbers counts, for the metrics.
	Numbers(ctx context.Context) (*Numbers, error)
	// Forget gives deliveries up that were made before giveUp, and removes at most limit alerts
	// that were told before a time, whose trouble is over and whose deliveries have ended. It
	// reports whether there may be more.
	Forget(ctx context.Context, now, giveUp, before time.Time, limit int) (more bool, err error)
}

// Situation is what Digest decides on.
type Situation struct {
	Fleet   int      // nodes that are not retired
	Changes []Change // those that were not digested yet, the oldest first
	// Open are the grouped alerts that are not recovered.
	Open []Incident
	// Single says how many nodes have a matter now that people were told of one by one within
	// the last hour.
	Single map[Matter]int
	// DueTroubles and DueIncidents are those of which people are to be reminded.
	DueTroubles  []DueTrouble
	DueIncidents []Incident
}

// Change is a trouble that began or ended.
type Change struct {
	ID       int64
	At       time.Time // by the collector's clock
	Certname string
	Matter
	Began bool
	Since time.Time // when the trouble began
	// Alert is the alert by which people were told of a trouble that has ended; "": they were not.
	Alert string
	// Well: it has ended, and no other trouble of the same sort took its place.
	Well bool
}

// MaxMembers is up to how many members an incident names them.
const MaxMembers = 100

// Incident is a grouped alert that is not recovered.
type Incident struct {
	ID string
	Matter
	Since   time.Time
	Nodes   int       // that have had it
	Members int       // that have it still
	Known   int       // what Members was when it was stored last
	Moved   time.Time // when it was stored last
	// Names are those of its members, as long as there are no more than MaxMembers.
	Names []string
}

// DueTrouble is a node's trouble of which people were told by itself, and are to be reminded.
type DueTrouble struct {
	Certname string
	Matter
	Since time.Time
	Alert string
}

// Decision is what is to be stored.
type Decision struct {
	Digested []int64 // changes that need not be looked at again
	Told     []Telling
	New      []Draft
	// Incidents are open ones of which something is to be noted.
	Incidents []Note
}

// Telling says by which alert people are told of troubles of a kind, and when they are reminded
// of each; zero: never. Of a trouble that is over already, its end learns of the alert.
type Telling struct {
	Certnames []string
	Kind      standing.Trouble
	Alert     string
	Remind    time.Time
}

// Draft is an alert and its deliveries. Open: its trouble is to be followed until it is over.
type Draft struct {
	Alert
	Open       bool
	Remind     time.Time         // of an open one; zero: never
	Deliveries map[string]string // webhook by the delivery's id
}

// Note is what has become of an open incident.
type Note struct {
	ID      string
	Nodes   int
	Members int
	Moved   time.Time
	Closed  bool
	Remind  time.Time // zero: as it was; only looked at when Reminded
	// Reminded: people were reminded now.
	Reminded bool
}
