//go:build !linux

package filelock

import "errors"

// Evict is not possible here.
func Evict(int, string) error { return errors.ErrUnsupported }
