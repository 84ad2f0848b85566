// Package collector is the central part: it takes the outcomes that nodes report,
// acknowledges them once they are committed, and answers questions about the fleet.
//
// It owns no listener, no database and no file: New is given a Store and what says who
// is asking, and returns an http.Handler.
package collector
