// Package wild holds the collector's API to what all answers must be, whatever is asked of it.
//
// It is not a part of package collector's own tests, as those have a real database: to compile
// that for a fuzzer takes a minute, and each try a hundred times as long as it does in memory.
package wild
