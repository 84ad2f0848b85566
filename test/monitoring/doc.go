//go:build lab

// Package monitoring hands what puppet-cron says to the programs that read it in earnest: promtool, node_exporter and
// the wrapper of monitoring-plugins. Puppet is the fake one, for its outcomes are what matters here.
package monitoring
