package process

import (
	"fmt"
	"os"
	"path/filepath"
)

// Holders returns the other processes that have the file at path open. It sees the
// ones of this user, or all when it is root.
func Holders(path string) []Process {
	target, err := os.Stat(path)
	if err != nil {
		return nil
	}
	all, err := All()
	if err != nil {
		return nil
	}
	var holders []Process
	for _, p := range all {
		if p.PID != os.Getpid() && hasOpen(p.PID, target) {
			holders = append(holders, p)
		}
	}
	return holders
}

func hasOpen(pid int, target os.FileInfo) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if fi, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && os.SameFile(fi, target) {
			return true
		}
	}
	return false
}
