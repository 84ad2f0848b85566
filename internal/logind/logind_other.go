//go:build !linux

// Package logind keeps a shutdown of the system waiting while something goes on, and
// says when one comes. It is of use where systemd-logind is, and harmless elsewhere.
package logind

// Inhibit says that there is no logind.
func Inhibit(Mode, string, string) (*Lock, error) { return nil, ErrAbsent }

// Lock is an inhibitor lock.
type Lock struct{}

// GoingDown is never closed.
func (*Lock) GoingDown() <-chan struct{} { return nil }

// Release does nothing.
func (*Lock) Release() {}
