package api

import "time"

// SchemaVersion is the schema of the Runs that this version makes. Fields may be
// added without raising it; readers ignore fields they do not know.
const SchemaVersion = 1

// Run is one run of Puppet, or the decision not to run it. What is not known is
// left out, never invented: a start record has no outcome, a skipped run no exit
// code.
type Run struct {
	Schema   int     `json:"schema"`
	ID       string  `json:"id"` // UUIDv7, also Puppet's --job-id
	Certname string  `json:"certname"`
	Trigger  Trigger `json:"trigger"`
	OrderID  string  `json:"order_id,omitempty"`

	Due     *time.Time `json:"due,omitempty"`
	Started *time.Time `json:"started,omitempty"`
	Ended   *time.Time `json:"ended,omitempty"`

	Outcome Outcome `json:"outcome,omitempty"`
	Reason  Reason  `json:"reason,omitempty"`
	// Message is one line in the node's own words. It never holds text that
	// Puppet printed (Failures does), so that it may be shown to anybody.
	Message  string   `json:"message,omitempty"`
	Warnings []string `json:"warnings,omitempty"`

	Noop    bool `json:"noop"`    // as its report says, or without one as it was asked for
	Pending int  `json:"pending"` // changes that noop kept from being made

	ExitCode *int   `json:"exit_code,omitempty"`
	Signal   string `json:"signal,omitempty"`

	Environment          string `json:"environment,omitempty"`           // the one that was applied
	EnvironmentRequested string `json:"environment_requested,omitempty"` // by whoever asked for the run
	ConfigVersion        string `json:"config_version,omitempty"`
	PuppetVersion        string `json:"puppet_version,omitempty"`  // that the run began with
	PuppetUpgraded       bool   `json:"puppet_upgraded,omitempty"` // it was replaced during the run
	AgentVersion         string `json:"agent_version,omitempty"`

	Catalog         *Catalog           `json:"catalog,omitempty"`
	TransactionUUID string             `json:"transaction_uuid,omitempty"`
	Resources       *Resources         `json:"resources,omitempty"`
	TimingsS        map[string]float64 `json:"timings_s,omitempty"`

	Failures    []Failure `json:"failures,omitempty"`
	FailuresCut int       `json:"failures_cut,omitempty"` // failures beyond the ones listed
	Log         string    `json:"log,omitempty"`

	Usage       *Usage       `json:"usage,omitempty"`
	LeftRunning []Process    `json:"left_running,omitempty"`
	Schedule    *Announce    `json:"schedule,omitempty"`
	Disabled    *DisableInfo `json:"disabled,omitempty"`

	DroppedBefore int `json:"dropped_before,omitempty"` // outcomes that a full spool lost before this one
}

// CatalogSource says where the applied catalog came from.
type CatalogSource string

// The sources of a catalog.
const (
	FromServer         CatalogSource = "server"
	FromCache          CatalogSource = "cache"            // asked for by use_cached_catalog
	FromCacheOnFailure CatalogSource = "cache_on_failure" // the server gave none
)

// Catalog names the catalog that was applied.
type Catalog struct {
	UUID   string        `json:"uuid,omitempty"`
	Source CatalogSource `json:"source,omitempty"`
}

// Resources counts the catalog's resources, in Puppet's own terms.
type Resources struct {
	Total            int `json:"total"`
	Changed          int `json:"changed"`
	Failed           int `json:"failed"`
	Skipped          int `json:"skipped"`
	OutOfSync        int `json:"out_of_sync"`
	CorrectiveChange int `json:"corrective_change"`
	Restarted        int `json:"restarted"`
	FailedToRestart  int `json:"failed_to_restart"`
	Scheduled        int `json:"scheduled"`
}

// Failure is one thing that went wrong, in Puppet's words.
type Failure struct {
	Resource string `json:"resource,omitempty"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Message  string `json:"message"`
}

// Usage is what the run cost the node. CPU and memory are Puppet's and those of
// its children that it waited for.
type Usage struct {
	WallS       float64 `json:"wall_s"`
	CPUS        float64 `json:"cpu_s,omitempty"`
	MaxRSSBytes int64   `json:"max_rss_bytes,omitempty"`
}

// Process is one that a run left running.
type Process struct {
	PID     int    `json:"pid"`
	Command string `json:"command"`
}

// Announce is what the node says of its own schedule.
type Announce struct {
	IntervalS   float64    `json:"interval_s,omitempty"`
	OffsetS     *float64   `json:"offset_s,omitempty"`
	NextDue     *time.Time `json:"next_due,omitempty"`
	TimeoutS    float64    `json:"timeout_s,omitempty"`
	MissedSlots int        `json:"missed_slots,omitempty"`
	// UTCOffsetS is the node's time zone when the run was recorded, in seconds east of UTC.
	UTCOffsetS *int `json:"utc_offset_s,omitempty"`
}

// DisableInfo says who disabled Puppet on the node, as far as that is known.
type DisableInfo struct {
	By     string     `json:"by,omitempty"` // empty: a plain `puppet agent --disable`, which names nobody
	Reason string     `json:"reason,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	Until  *time.Time `json:"until,omitempty"`
}

// Plain reports whether it is a plain `puppet agent --disable`, and no hold of ours.
func (d *DisableInfo) Plain() bool { return d.By == "" }
