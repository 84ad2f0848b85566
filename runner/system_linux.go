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

// oomKills counts in the cgroup of this process, which is Puppet's too. It is nothing
// where nothing tells.
func oomKills() oomCount {
	cgroups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return oomCount{}
	}
	for line := range strings.Lines(string(cgroups)) {
		hierarchy, path, ok := strings.Cut(strings.TrimSpace(line), ":/")
		if !ok {
			continue
		}
		file := ""
		switch {
		case hierarchy == "0:":
			file = "/sys/fs/cgroup/" + path + "/memory.events"
		case strings.HasSuffix(hierarchy, ":memory"):
			file = "/sys/fs/cgroup/memory/" + path + "/memory.oom_control"
		}
		if n, ok := counter(file, "oom_kill"); ok {
			return oomCount{file, n}
		}
	}
	return oomCount{}
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
