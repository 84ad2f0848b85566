//go:build bench

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cpuOf is the CPU time that a process has had so far.
func cpuOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	s, err := statOf(pid)
	if err != nil {
		t.Fatal(err)
	}
	return s.cpu
}

// cpuOfAll is that of a process and its children, those that have ended as well. Without a process it is nothing.
func cpuOfAll(t *testing.T, pid int) (cpu time.Duration) {
	t.Helper()
	if pid == 0 {
		return 0
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		id, _ := strconv.Atoi(filepath.Base(p))
		s, err := statOf(id)
		if err != nil {
			continue // it went meanwhile
		}
		switch {
		case id == pid:
			cpu += s.cpu + s.children
		case s.parent == pid:
			cpu += s.cpu
		}
	}
	return cpu
}

type stat struct {
	parent        int
	cpu, children time.Duration
}

const tick = 10 * time.Millisecond // of the kernel's counts

func statOf(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	number := func(i int) int {
		n, _ := strconv.Atoi(fields[i])
		return n
	}
	return stat{
		parent:   number(1),
		cpu:      time.Duration(number(11)+number(12)) * tick,
		children: time.Duration(number(13)+number(14)) * tick,
	}, nil
}

// rssOf is the memory that a process has now, in MiB.
func rssOf(t *testing.T, pid int) float64 {
	t.Helper()
	return float64(field(t, fmt.Sprintf("/proc/%d/status", pid), "VmRSS:")) / 1024
}
