package collector

import (
	"context"
	"errors"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// ErrNotFound says that there is no such run, node or token.
var ErrNotFound = errors.New("not found")

// ErrBusy says that the store could not do it now, and that the same call may succeed
// later: the database is away, or too much is asked of it.
var ErrBusy = errors.New("the store is busy or out of reach")

// ErrCursor says that a list did not give this cursor.
var ErrCursor = errors.New("not a cursor of this list")

// Store keeps what nodes report. It is a consumer's interface: collector/sqlstore has
// its two implementations, and collector/storetest says what both must hold.
//
// Times are of the collector's clock where they say "received", of the node's otherwise.
// Whatever is stored was committed when the call returns.
type Store interface {
	// Put stores runs, all or none, and says of each what became of it, in their order.
	// The first final record of an id wins; a run without an outcome is a start, which
	// never replaces a final. A run whose id is another node's is Rejected. The runs have
	// passed Validate. Slots are assigned and node states are kept by the way.
	Put(ctx context.Context, received time.Time, runs []*api.Run) ([]Receipt, error)

	// Run gives one run: the final record, else the start. ErrNotFound without either.
	Run(ctx context.Context, id string) (*Stored, error)
	// Runs lists final records, the last received first. A page may have fewer runs than
	// asked for, or none, and still a next cursor: what is looked at and what it takes in
	// memory are bounded, too. The empty cursor is the first page going in, and the end coming out.
	Runs(ctx context.Context, f RunFilter, p Page) (runs []*Stored, next string, err error)

	// Node gives the state of one node, retired ones too.
	Node(ctx context.Context, certname string) (*Node, error)
	// Nodes lists nodes by certname.
	Nodes(ctx context.Context, f NodeFilter, p Page) (nodes []*Node, next string, err error)
	// Retire takes a node out of lists and counts and frees its slot. Its runs stay as
	// long as others do, and it is back when it reports again.
	Retire(ctx context.Context, certname string, at time.Time) error
	// Summary counts the nodes that are not retired.
	Summary(ctx context.Context) (*Summary, error)

	// Listen notes that nodes are listened to. When nobody has done so for more than a minute, who
	// was not late, silent or stuck by then is not before standing.ReportWithin has passed. It is called
	// often, by each of several collectors.
	Listen(ctx context.Context, now time.Time) error
	// Tick judges at most limit nodes anew for which time alone may have changed something:
	// that are late, silent or stuck now, whose certificates end, or that have been silent for
	// so long that they are retired. It reports how many, and whether there may be more. Several
	// collectors may do so at once.
	Tick(ctx context.Context, now time.Time, limit int) (judged int, more bool, err error)
	// NoteCertificates keeps until when the certificates of nodes are good, of those that
	// there are.
	NoteCertificates(ctx context.Context, ends map[string]time.Time, now time.Time) error
	// Acknowledge notes that somebody looks after a node's trouble; kind "" is all that it has.
	// It holds until the trouble is over. ErrNotFound when the node has no such trouble.
	Acknowledge(ctx context.Context, certname string, kind standing.Trouble, a Acknowledgement) error

	// Fleet gives a line of every node that is not retired, by certname.
	Fleet(ctx context.Context) ([]Line, error)
	// Activity counts the runs that were received in [from, until), minute by minute. Minutes
	// without runs are left out.
	Activity(ctx context.Context, from, until time.Time) ([]Minute, error)
	// FailingResources gives the resources that failed in the last run of most nodes, those of
	// most nodes first, and of as many by title. A node that is retired does not count.
	FailingResources(ctx context.Context, limit int) ([]FailingResource, error)
	// FailingNodes lists by certname the nodes in whose last run a resource failed.
	FailingNodes(ctx context.Context, resource string, p Page) (nodes []FailingNode, next string, err error)

	// Prune removes at most limit runs that are older than their class is kept for, and
	// reports whether there may be more.
	Prune(ctx context.Context, keep Retention, now time.Time, limit int) (removed int, more bool, err error)

	// AddToken keeps a token's hash under a name that must be new.
	AddToken(ctx context.Context, t Token, hash [32]byte) error
	// TokenByHash gives the token with this hash; ErrNotFound when it was revoked.
	TokenByHash(ctx context.Context, hash [32]byte) (*Token, error)
	Tokens(ctx context.Context) ([]Token, error)
	RevokeToken(ctx context.Context, name string) error

	// AddSession keeps the session of a browser under the hash of its secret.
	AddSession(ctx context.Context, s Session, hash [32]byte) error
	// SessionByHash gives a session; ErrNotFound when there is none, when it has ended, or when
	// the token that it was opened with was revoked or has expired.
	SessionByHash(ctx context.Context, hash [32]byte, now time.Time) (*Session, error)
	EndSession(ctx context.Context, hash [32]byte) error

	// Audit notes a change, or an attempt at one.
	Audit(ctx context.Context, e AuditEntry) error
	// AuditLog lists the entries, the newest first.
	AuditLog(ctx context.Context, p Page) (entries []AuditEntry, next string, err error)

	// Ping reports whether the store could take a run now.
	Ping(ctx context.Context) error
}

// Receipt says what became of one run.
type Receipt struct {
	Status api.Status
	Error  string
	// Slot is the node's after this run; nil as long as its interval is not known.
	Slot *float64
}

// Page bounds a list. Limit is 1 to MaxPage.
type Page struct {
	Limit  int
	Cursor string
}

// MaxPage is the most that one list gives.
const MaxPage = 500

// Stored is a run as the store has it. Of an unchanged run without warnings only columns
// are kept: its timings are those that are named in the API's description.
type Stored struct {
	api.Run
	Received time.Time `json:"received"`
}

// RunFilter selects runs. What is empty selects all.
type RunFilter struct {
	Certname     string
	Outcome      api.Outcome
	Reason       api.Reason
	Environment  string
	Since, Until time.Time // received at or after, and before
}

// Node is what is known of one node.
type Node struct {
	Certname  string    `json:"certname"`
	FirstSeen time.Time `json:"first_seen"` // received
	LastSeen  time.Time `json:"last_seen"`  // received

	// Last is the last run of any outcome; LastExecuted the last that was not skipped,
	// which is what the node's health goes by.
	Last         *Brief `json:"last_run,omitempty"`
	LastExecuted *Brief `json:"last_executed,omitempty"`
	// Running is the run that was begun and is not known to have ended.
	Running *Begun `json:"running,omitempty"`

	Environment   string           `json:"environment,omitempty"`
	PuppetVersion string           `json:"puppet_version,omitempty"`
	AgentVersion  string           `json:"agent_version,omitempty"`
	Disabled      *api.DisableInfo `json:"disabled,omitempty"`

	IntervalS float64    `json:"interval_s,omitempty"`
	NextDue   *time.Time `json:"next_due,omitempty"`
	TimeoutS  float64    `json:"timeout_s,omitempty"`
	Slot      *float64   `json:"slot,omitempty"`

	// Presence says whether the node is heard of when it should be; Expected is when it should,
	// by the collector's clock, before the grace that it has.
	Presence standing.Presence `json:"presence"`
	Expected *time.Time        `json:"expected,omitempty"`
	// Troubles are what is wrong with it, in the order of standing.All.
	Troubles []TroubleOfNode `json:"troubles,omitempty"`
	// Streak is how many runs in a row, up to the last that was not skipped, were not healthy.
	// Retries of an outage do not count.
	Streak          int        `json:"streak"`
	CertificateEnds *time.Time `json:"certificate_ends,omitempty"`
	// UTCOffsetS is the node's time zone when it ran last: seconds east of UTC.
	UTCOffsetS *int `json:"utc_offset_s,omitempty"`

	// Dropped is how many outcomes its full spool had to drop, in all.
	Dropped int `json:"dropped"`
	// Retired is when it was; nil: it is not.
	Retired *time.Time `json:"retired,omitempty"`
}

// Brief is the part of a run that a list of nodes shows.
type Brief struct {
	ID      string      `json:"id"`
	Outcome api.Outcome `json:"outcome"`
	Reason  api.Reason  `json:"reason,omitempty"`
	Message string      `json:"message,omitempty"`
	Ended   *time.Time  `json:"ended,omitempty"`
}

// Begun is a run in progress.
type Begun struct {
	ID       string     `json:"id"`
	Started  *time.Time `json:"started,omitempty"`
	Received time.Time  `json:"received"`
}

// NodeFilter selects nodes. What is empty selects all.
type NodeFilter struct {
	Certname string
	// Outcome skipped selects by the last run; every other outcome by the last run that was
	// not skipped, for a node that failed is not well because its next run was skipped.
	// Reason goes with the run that Outcome goes by; without an Outcome either run's will do.
	Outcome       api.Outcome
	Reason        api.Reason
	Environment   string
	Disabled      *bool
	PuppetVersion string
	Retired       bool // those that are, instead of those that are not
	Presence      standing.Presence
	Trouble       standing.Trouble
}

// Summary counts nodes.
type Summary struct {
	Nodes    int                 `json:"nodes"`
	Outcomes map[api.Outcome]int `json:"outcomes"` // of the last run that was not skipped
	Reasons  map[api.Reason]int  `json:"reasons"`  // of the same runs
	Skipped  int                 `json:"skipped"`  // whose last run was
	Disabled int                 `json:"disabled"`
	Running  int                 `json:"running"`
	Never    int                 `json:"never"`   // that have not executed a run yet
	Dropped  int                 `json:"dropped"` // outcomes that full spools had to drop

	Presence map[standing.Presence]int `json:"presence"`
	Troubles map[standing.Trouble]int  `json:"troubles"`
	// Acknowledged are those of the troubles that somebody looks after.
	Acknowledged map[standing.Trouble]int `json:"acknowledged"`
}

// Retention is for how long runs are kept, by the time of receipt. Skipped runs are kept
// as the unchanged ones; all outcomes that are neither are kept as the failed ones.
type Retention struct {
	Unchanged, Changed, Failed time.Duration
}

// Role is what somebody may do. Each may do what the one before may.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"   // read everything but the audit log
	Operator Role = "operator" // retire nodes
	Admin    Role = "admin"    // read the audit log
)

// Token is a secret that gives a role. The secret itself is nowhere: its hash is.
type Token struct {
	Name    string     `json:"name"`
	Role    Role       `json:"role"`
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty"`
}

// AuditEntry is a change that somebody made, or was not allowed to make.
type AuditEntry struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`  // "certificate web01", "token ops", "the command line (root)"
	Remote string    `json:"remote"` // address; empty on the command line
	Action string    `json:"action"` // "run.put", "node.retire", "token.create" …
	Target string    `json:"target"`
	Result string    `json:"result"` // "ok" or "refused"
	Detail string    `json:"detail,omitempty"`
}
