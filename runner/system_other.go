//go:build !linux

package runner

import "os"

// preallocate does nothing here.
func preallocate(*os.File, int64) error { return nil }

// oomKills cannot tell here.
func oomKills() oomCount { return oomCount{} }

// goesDown cannot tell here.
func goesDown() bool { return false }
