//go:build lab

// Package e2e runs the real puppet-cron, real Puppet and a real puppetserver, and compares what puppet-cron says with
// what happened.
//
// Each test has a node of its own. LAB_ROOT joins a lab that is up already, see test/lab; E2E_RACES is the number of
// races in TestRace, 10 by default. E2E_SERVE is for how long TestServes looks at the service, 40s by default; with
// SOAK=full five minutes, and TestServesVirtually a day of the service's clock instead of an hour.
package e2e
