// Package packaging holds the texts that are installed with the program.
package packaging

import _ "embed" // the texts

// Units of systemd.
var (
	//go:embed systemd/puppet-cron.service
	ServeUnit string
	//go:embed systemd/puppet-cron-run@.service
	RunUnit string
)

// The service for other service managers.
var (
	//go:embed launchd/puppet-cron.plist
	LaunchdService string
	//go:embed openrc/puppet-cron
	OpenRCService string
	//go:embed sysv/puppet-cron
	SysVService string
)
