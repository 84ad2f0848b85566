//go:build !windows

package state

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

func openPlain(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EMLINK) {
		return nil, fmt.Errorf("%w: %s is a symlink", ErrCorrupt, path)
	}
	if err != nil {
		return nil, err
	}
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		f.Close()
		return nil, fmt.Errorf("%w: %s is not a plain file", ErrCorrupt, path)
	}
	return f, nil
}
