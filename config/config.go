// Package config turns the configuration file of a node into a Config that is
// valid as a whole.
//
// The file is read strictly: an unknown key and a bad value are errors that name file,
// line and key. All of them are reported, not only the first.
//
// A key is one line in options; reference.yaml describes it to people.
package config

import (
	"log/slog"
	"time"

	"github.com/puppet-cron/puppet-cron/splay"
)

// Config is the whole configuration of a node.
type Config struct {
	Schedule Schedule
	Puppet   Puppet
	Reporter Reporter
	History  History
	Shutdown Shutdown
	HooksDir string // its post-run.d holds the programs that hear of every run
	Check    Check
	Metrics  Metrics
	StateDir string
	Log      Log
}

// Puppet says how Puppet is run.
type Puppet struct {
	Command                Command
	Manifest               string // of apply
	Binary                 string // "auto" or an absolute path
	Confdir                string // "" is Puppet's own default, as with the next two
	Certname               string
	Environment            string
	ExtraArgs              []string
	Noop                   Switch
	CachedCatalogOnFailure Switch
	Timeout                time.Duration // 0 is Puppet's own runtimeout and 5 minutes
	LockWait               time.Duration
	Nice                   int
	JobID                  bool // without effect on apply
}

// Command is the subcommand of Puppet that makes a run.
type Command string

// The commands.
const (
	Agent Command = "agent"
	Apply Command = "apply"
)

// Switch is a setting that may be left to puppet.conf.
type Switch string

// The positions of a Switch.
const (
	Auto Switch = "auto" // no flag is passed, puppet.conf decides
	On   Switch = "true"
	Off  Switch = "false"
)

// AutoBinary is the Puppet.Binary that stands for the one that is found.
const AutoBinary = "auto"

// History says how much of the past is kept.
type History struct {
	Runs int
	Days int
	Size int64 // bytes
}

// Shutdown says what a run does to a shutdown of the system.
type Shutdown struct{ Inhibit Inhibit }

// Inhibit is how much a run keeps the system from going down.
type Inhibit string

// The ways.
const (
	InhibitOff   Inhibit = "off"
	InhibitDelay Inhibit = "delay" // until Puppet is ended in good order
	InhibitBlock Inhibit = "block" // until it ends by itself
)

// Severity is a state of a monitoring plugin.
type Severity string

// The severities.
const (
	OK       Severity = "ok"
	Warning  Severity = "warning"
	Critical Severity = "critical"
	Unknown  Severity = "unknown"
)

// Check says how bad `puppet-cron check` finds what it sees.
type Check struct {
	Failed, Stale, Errored, TimedOut Severity // the last run was
	Interrupted                      Severity // once; several times in a row it is as Errored
	Overdue                          Severity // two slots passed without a run; one is a warning at most
	Condition                        Severity // it keeps off one run after the other
	Disabled, Held, NoopHeld         Severity
	DisabledDays                     int // after so many any of these holds is critical; 0: never
	ServiceDown                      Severity
	ServiceTrouble                   Severity
	Reporting                        Severity // outcomes do not get to the collector
	CertificateWarningDays           int      // before it ends; 0: never
	CertificateCriticalDays          int
}

// Metrics says where they are written.
type Metrics struct {
	Textfile string // "" is nowhere
}

// Log says what is logged and how.
type Log struct {
	Level  slog.Level
	Format string // "auto", "text" or "json"
}

// Default is the configuration of a node without a file.
func Default() Config {
	return Config{
		Schedule: Schedule{
			Every:   30 * time.Minute,
			Splay:   Splay{Mode: splay.Hash},
			CatchUp: 15 * time.Minute,
			Retries: 3,
		},
		Puppet: Puppet{
			Command:                Agent,
			Binary:                 AutoBinary,
			Noop:                   Auto,
			CachedCatalogOnFailure: Auto,
			LockWait:               10 * time.Minute,
			JobID:                  true,
		},
		Reporter: Reporter{TLS: TLS{Mode: TLSPuppet}, SpoolMax: 1000},
		History:  History{Runs: 500, Days: 30, Size: 200 << 20},
		Shutdown: Shutdown{InhibitDelay},
		HooksDir: defaultHooksDir,
		Check: Check{
			Failed: Critical, Stale: Warning, Errored: Critical, TimedOut: Critical, Interrupted: Warning,
			Overdue: Critical, Condition: Warning, Disabled: Warning, Held: Warning, NoopHeld: Warning, ServiceDown: Critical, ServiceTrouble: Warning, Reporting: Warning,
			CertificateWarningDays: 30, CertificateCriticalDays: 7,
		},
		StateDir: defaultStateDir,
		Log:      Log{Level: slog.LevelInfo, Format: "auto"},
	}
}
