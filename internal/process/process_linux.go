package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Find returns the process with this pid. A missing one is fs.ErrNotExist.
func Find(pid int) (Process, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, unix.ESRCH) { // it went between open and read
		err = fs.ErrNotExist
	}
	if err != nil {
		return Process{}, fmt.Errorf("cannot look at process %d: %w", pid, err)
	}
	p, err := parseStat(stat)
	if err != nil {
		return Process{}, fmt.Errorf("cannot read /proc/%d/stat: %w", pid, err)
	}
	p.Command = command(pid, p.Name)
	return p, nil
}

// All returns every process that this user may see.
func All() ([]Process, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	all := make([]Process, 0, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, err := Find(pid); err == nil {
			all = append(all, p)
		}
	}
	return all, nil
}

// HasChildren reports whether this process has children, at the price of one
// small file. It says yes where the kernel cannot tell.
func HasChildren() bool {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return true
	}
	for _, t := range tasks {
		children, err := os.ReadFile("/proc/self/task/" + t.Name() + "/children")
		if err != nil || len(bytes.TrimSpace(children)) > 0 {
			return true
		}
	}
	return false
}

// parseStat reads the line of /proc/PID/stat. The name stands in brackets and may
// hold brackets and spaces itself, so the last bracket ends it.
func parseStat(line []byte) (Process, error) {
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return Process{}, errors.New("there is no name in brackets")
	}
	f := strings.Fields(string(line[end+1:]))
	const state, parent, start = 0, 1, 19 // proc(5) counts from the pid, these from behind the name
	if len(f) <= start {
		return Process{}, fmt.Errorf("%d fields are too few", len(f))
	}
	pid, err1 := strconv.Atoi(strings.TrimSpace(string(line[:open])))
	ppid, err2 := strconv.Atoi(f[parent])
	if err := errors.Join(err1, err2); err != nil {
		return Process{}, err
	}
	return Process{
		ID: ID{pid, f[start]}, Parent: ppid, Name: string(line[open+1 : end]),
		Zombie: f[state] == "Z" || f[state] == "X",
	}, nil
}

func command(pid int, name string) string {
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || len(args) == 0 {
		return "[" + name + "]"
	}
	return strings.TrimSpace(string(bytes.ReplaceAll(args, []byte{0}, []byte{' '})))
}

// BootID changes with every boot. It is empty where the system has none.
func BootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
}

// Uptime is for how long the system is up, its sleep included; 0 when that is not known.
func Uptime() time.Duration {
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0
	}
	seconds, err := strconv.ParseFloat(strings.SplitN(string(text), " ", 2)[0], 64)
	if err != nil || !(0 <= seconds && seconds < 1e9) {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// SetName gives this process the name that ps and other programs see. Writing the
// file names the whole process; prctl(2) would name one thread.
func SetName(name string) error {
	return os.WriteFile("/proc/self/comm", []byte(name), 0)
}

// AdoptOrphans makes this process the parent of every descendant whose own parent
// ends, so that none is lost from sight.
func AdoptOrphans() error {
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}
