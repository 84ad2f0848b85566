//go:build !windows

package settings

// DefaultPath is where the file is when --config does not say otherwise.
const DefaultPath = "/etc/puppet-cron/collector.yaml"

const defaultDatabase = "sqlite:/var/lib/puppet-cron-collector/collector.db"
