// Package reporter carries outcomes from the node's spool to a collector, the oldest
// first, until each is taken, and keeps what the collector answers.
package reporter
