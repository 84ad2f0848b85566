// Package process knows the processes of this machine: which are alive, whose
// children they are, and which incarnation of a process id one is.
package process

import (
	"errors"
	"io/fs"
	"slices"
)

// ID names one process for ever: a bare pid is given to another process sooner or
// later. Start is the kernel's start time in a form of the system's own, good for
// comparing only; it repeats after a reboot, so a stored ID goes with a boot id.
type ID struct {
	PID   int    `json:"pid"`
	Start string `json:"start"`
}

// Process is what the system says of one process.
type Process struct {
	ID
	Parent  int
	Zombie  bool
	Name    string // as the kernel has it, at most 15 bytes on Linux
	Command string // its arguments, joined by spaces
}

// Alive reports whether the process that id names still runs. A zombie does not.
func (id ID) Alive() bool {
	p, err := Find(id.PID)
	if err != nil {
		// Only "no such process" proves that it is gone.
		return id.PID > 0 && !errors.Is(err, fs.ErrNotExist)
	}
	return p.Start == id.Start && !p.Zombie
}

// Descendants returns the processes below the roots, without the roots, as they
// are in all.
func Descendants(all []Process, roots ...int) []Process {
	var found []Process
	queue := slices.Clone(roots)
	seen := make(map[int]bool, len(roots))
	for _, r := range roots {
		seen[r] = true
	}
	for len(queue) > 0 {
		parent := queue[0]
		queue = queue[1:]
		for _, p := range all {
			if p.Parent == parent && !seen[p.PID] {
				seen[p.PID] = true
				found = append(found, p)
				queue = append(queue, p.PID)
			}
		}
	}
	return found
}
