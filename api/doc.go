// Package api holds the words that the node and the collector share: a Run, its
// Trigger, its Outcome and the Reason behind it.
//
// A Run is made once, by the runner; it is what the node writes to its state
// directory, sends to the collector and shows to a person. The package imports
// the standard library only, so that anything may depend on it.
package api
