package filelock

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Evict releases the lock on path that the process pid inherited and that nobody
// who knows of it can release any more. It borrows the process's own open file
// (pidfd_getfd(2)), so it cannot meet a lock that somebody else took since.
func Evict(pid int, path string) error {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("cannot reach process %d: %w", pid, err)
	}
	defer unix.Close(pidfd)
	target, err := os.Stat(path)
	if err != nil {
		return err
	}
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		number, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if fi, err := os.Stat(filepath.Join(dir, e.Name())); err != nil || !os.SameFile(fi, target) {
			continue
		}
		fd, err := unix.PidfdGetfd(pidfd, number, 0)
		if err != nil {
			return fmt.Errorf("cannot borrow the lock of process %d: %w", pid, err)
		}
		err = unix.Flock(fd, unix.LOCK_UN)
		unix.Close(fd)
		if err != nil {
			return fmt.Errorf("cannot release the lock of process %d: %w", pid, err)
		}
	}
	return nil
}
