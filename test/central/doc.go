//go:build lab

// Package central runs the whole way of an outcome with real components: real Puppet agents and a real puppetserver with
// its CA, puppet-cron, nginx as balancer, two collectors on one PostgreSQL, Debian's prometheus.
package central
