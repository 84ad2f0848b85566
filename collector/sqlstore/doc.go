// Package sqlstore is the collector's Store on SQLite and on PostgreSQL.
//
// Nearly all SQL is one text for both. What is not is in the files that are named after
// the databases: how runs come in fast, how nodes are locked, what an error means.
//
// A run that was unchanged or skipped, and of which there is nothing else to tell, is kept as
// columns only: of its timings config_retrieval, catalog_application and total are left, of
// its durations the milliseconds, of its times the microseconds, in UTC. Every
// other run comes back as it was put, but for fields that this version does not know.
//
// The state of a node is that of its last run: the one that ended last by the node's own clock,
// but no later than it was received, so that a clock that is ahead does not freeze the state.
package sqlstore
