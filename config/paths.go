//go:build !windows

package config

// DefaultPath is where the file is when --config does not say otherwise.
const DefaultPath = "/etc/puppet-cron/puppet-cron.yaml"

const defaultStateDir = "/var/lib/puppet-cron"

const defaultHooksDir = "/etc/puppet-cron/hooks"
