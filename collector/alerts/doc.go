// Package alerts tells people, by webhooks, what has gone wrong with nodes and what is well
// again: once, in one message where many nodes have the same trouble, and without losing any.
//
// What the store commits about a node it commits together with the change (an outbox). The
// changes of a minute are digested into alerts, in one transaction, and each alert is on its
// way to each webhook until that takes it.
package alerts
