//go:build !windows

package state

import (
	"os"

	"golang.org/x/sys/unix"
)

func openPlain(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
}
