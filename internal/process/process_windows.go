package process

import (
	"errors"
	"fmt"
	"time"
)

// ErrUnsupported is what everything here answers on Windows, where runs are not
// supervised yet.
var ErrUnsupported = errors.New("not supported on Windows yet")

// Find is not supported yet.
func Find(pid int) (Process, error) {
	return Process{}, fmt.Errorf("cannot look at process %d: %w", pid, ErrUnsupported)
}

// All is not supported yet.
func All() ([]Process, error) { return nil, fmt.Errorf("cannot list processes: %w", ErrUnsupported) }

// HasChildren cannot tell.
func HasChildren() bool { return true }

// BootID is not known here.
func BootID() string { return "" }

// Uptime is not known here.
func Uptime() time.Duration { return 0 }

// SetName does nothing here.
func SetName(string) error { return nil }

// AdoptOrphans does nothing here.
func AdoptOrphans() error { return nil }
