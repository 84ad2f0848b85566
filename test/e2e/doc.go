//go:build lab

// Package e2e runs the real puppet-cron, real Puppet and a real puppetserver, and compares what puppet-cron says with
// what happened.
//
// Each test has a node of its own. LAB_ROOT joins a lab that is up already, see test/lab; E2E_RACES is the number of
// races in TestRace, 10 by default.
package e2e
