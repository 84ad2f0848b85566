//go:build machine

package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// LimitMemory leaves the machine so much memory, and no swap, until its next boot. What asks for more makes the kernel
// kill the process that has most.
func (m *Machine) LimitMemory(bytes int) {
	m.t.Helper()
	group, v1, err := m.memoryGroup()
	if err != nil {
		m.t.Fatalf("limit the memory: %v", err)
	}
	limit, swap, swapLimit := "memory.max", "memory.swap.max", 0
	if v1 { // there swap is what both are limited to
		limit, swap, swapLimit = "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", bytes
	}
	if err := writeNumber(filepath.Join(group, limit), bytes); err != nil {
		m.t.Fatalf("limit the memory: %v", err)
	}
	if err := writeNumber(filepath.Join(group, swap), swapLimit); err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.t.Fatalf("limit the swap: %v", err)
	}
}

// OOMKills is how many processes of the machine the kernel has killed for want of memory since it booted.
func (m *Machine) OOMKills() int {
	m.t.Helper()
	group, v1, err := m.memoryGroup()
	file := "memory.events"
	if v1 {
		file = "memory.oom_control"
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(filepath.Join(group, file))
	}
	if err != nil {
		m.t.Fatalf("count what was killed: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		if number, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
			n, err := strconv.Atoi(number)
			if err != nil {
				m.t.Fatalf("count what was killed: %v", err)
			}
			return n
		}
	}
	m.t.Fatalf("the kernel does not count what it kills:\n%s", text)
	return 0
}

// memoryGroup is the cgroup of the machine that the memory controller knows, as made by `hold`.
func (m *Machine) memoryGroup() (group string, v1 bool, err error) {
	cgroups, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(m.leader), "cgroup"))
	if err != nil {
		return "", false, err
	}
	name := filepath.Base(m.power.dir)
	for line := range strings.Lines(string(cgroups)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) == 3 && fields[1] == "memory" {
			if filepath.Base(fields[2]) != name {
				return "", false, fmt.Errorf("the machine is in the memory cgroup %s, which is not its own", fields[2])
			}
			return filepath.Join("/sys/fs/cgroup/memory", fields[2]), true, nil
		}
	}
	return filepath.Join("/sys/fs/cgroup", name), false, nil
}

func writeNumber(file string, n int) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strconv.Itoa(n))
	return errors.Join(err, f.Close())
}
