//go:build !windows && !linux

package process

import (
	"fmt"
	"io/fs"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Find returns the process with this pid. A missing one is fs.ErrNotExist.
func Find(pid int) (Process, error) {
	all, err := list("-p", strconv.Itoa(pid))
	if err != nil || len(all) == 0 {
		return Process{}, fmt.Errorf("cannot look at process %d: %w", pid, fs.ErrNotExist)
	}
	return all[0], nil
}

// All returns every process that this user may see.
func All() ([]Process, error) { return list("-ax") }

// HasChildren cannot tell cheaply here, so it says yes.
func HasChildren() bool { return true }

func list(which ...string) ([]Process, error) {
	out, err := exec.Command("ps", append(which, "-o", psFormat)...).Output()
	if err != nil {
		return nil, fmt.Errorf("cannot list processes: %w", err)
	}
	var all []Process
	for line := range strings.Lines(string(out)) {
		if p, ok := parsePS(line); ok {
			all = append(all, p)
		}
	}
	return all, nil
}

// BootID is not known here.
func BootID() string { return "" }

// Uptime is not known here.
func Uptime() time.Duration { return 0 }

// SetName does nothing here.
func SetName(string) error { return nil }

// AdoptOrphans does nothing here: what a killed Puppet leaves goes to init.
func AdoptOrphans() error { return nil }
