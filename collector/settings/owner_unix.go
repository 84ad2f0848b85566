//go:build unix

package settings

import (
	"os"
	"syscall"
)

// owner is whose directory it is.
func owner(dir *os.Root) (uid, gid int, err error) {
	info, err := dir.Stat(".")
	if err != nil {
		return 0, 0, err
	}
	stat := info.Sys().(*syscall.Stat_t)
	return int(stat.Uid), int(stat.Gid), nil
}
