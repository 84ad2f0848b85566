package runner

import (
	"bufio"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// preallocate takes room on the disk without making the file longer. Not every file
// system can.
func preallocate(f *os.File, n int64) error {
	const keepSize = 1 // FALLOC_FL_KEEP_SIZE
	err := syscall.Fallocate(int(f.Fd()), keepSize, 0, n)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// oomKills counts how often the kernel killed a process of our cgroup for want of
// memory. It is 0 where nothing tells.
func oomKills() int {
	cgroups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(cgroups)) {
		hierarchy, path, ok := strings.Cut(strings.TrimSpace(line), ":/")
		if !ok {
			continue
		}
		switch {
		case hierarchy == "0:":
			if n, ok := counter("/sys/fs/cgroup/"+path+"/memory.events", "oom_kill"); ok {
				return n
			}
		case strings.HasSuffix(hierarchy, ":memory"):
			if n, ok := counter("/sys/fs/cgroup/memory/"+path+"/memory.oom_control", "oom_kill"); ok {
				return n
			}
		}
	}
	return 0
}

// counter reads one `name value` line of a cgroup's file.
func counter(path, name string) (int, bool) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			n, err := strconv.Atoi(value)
			return n, err == nil
		}
	}
	return 0, false
}
