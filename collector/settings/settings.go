// Package settings turns the collector's configuration file into Settings that are valid
// as a whole. The file is read as strictly as that of a node.
//
// A key is one line in options; reference.yaml describes it to people.
package settings

import (
	"log/slog"
	"time"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/alerts"
	"github.com/puppet-cron/puppet-cron/collector/standing"
)

// Settings are the whole configuration of a collector.
type Settings struct {
	Listen    string // host:port; without a host all addresses
	Database  string // sqlite:PATH or postgres://…; it may hold a password
	TLS       TLS
	Operators []string // certnames whose certificates give the role admin
	Retention collector.Retention
	Rules     standing.Rules
	Alerts    Alerts
	Log       Log
}

// TLS says where the collector's certificates are. Each is an absolute path, or Auto for
// the one of this host's Puppet.
type TLS struct {
	Cert, Key, CA string
	CRL           string // "" is none
	CRLURL        string // "" is nowhere
}

// Alerts says who is told of troubles, and how.
type Alerts struct {
	GroupShare float64 // from 0 to 1
	Remind     time.Duration
	URL        string // of the dashboard; "" for none
	Webhooks   []alerts.Webhook
}

// Auto stands for what this host's Puppet has.
const Auto = "auto"

// Log says what is logged and how.
type Log struct {
	Level  slog.Level
	Format string // "auto", "text" or "json"
}

// Default is the configuration of a collector without a file.
func Default() Settings {
	return Settings{
		Listen:    ":8150",
		Database:  defaultDatabase,
		TLS:       TLS{Cert: Auto, Key: Auto, CA: Auto, CRL: Auto, CRLURL: Auto},
		Retention: collector.Retention{Unchanged: 14 * day, Changed: 90 * day, Failed: 90 * day},
		Rules:     standing.DefaultRules(),
		Alerts:    Alerts{GroupShare: 0.02},
		Log:       Log{Level: slog.LevelInfo, Format: "auto"},
	}
}

const day = 24 * time.Hour
