// Package packaging holds the texts that are installed with the program.
package packaging

import _ "embed" // the units

// Units of systemd.
var (
	//go:embed systemd/puppet-cron.service
	ServeUnit string
	//go:embed systemd/puppet-cron-run@.service
	RunUnit string
)
