package config

import (
	_ "embed"
	"strings"
)

//go:embed reference.yaml
var reference string

// Reference returns a configuration file that explains every key and sets each
// to its default.
func Reference() string {
	return strings.NewReplacer(
		"/etc/puppet-cron/puppet-cron.yaml", DefaultPath,
		"/etc/puppet-cron/hooks", defaultHooksDir,
		"/var/lib/puppet-cron", defaultStateDir,
	).Replace(reference)
}
