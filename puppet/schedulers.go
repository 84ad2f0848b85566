package puppet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Scheduler is something else on this node that starts Puppet by itself. Two of
// them run Puppet twice as often as anybody meant.
type Scheduler struct {
	Kind  string `json:"kind"` // daemon, cron, timer, unit
	Where string `json:"where"`
}

func (s Scheduler) String() string { return s.Kind + " " + s.Where }

// SchedulerRoots are where schedulers keep their orders.
type SchedulerRoots struct {
	Crontabs []string // files and directories of crontabs
	Scripts  []string // directories of run-parts scripts
	Units    []string // directories of systemd units, the ones that win first
}

// SystemRoots are the places of this machine.
func SystemRoots() SchedulerRoots {
	return SchedulerRoots{
		Crontabs: []string{"/etc/crontab", "/etc/cron.d", "/var/spool/cron/crontabs/root", "/var/spool/cron/root"},
		Scripts:  []string{"/etc/cron.hourly", "/etc/cron.daily"},
		Units:    []string{"/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"},
	}
}

// runsPuppet matches a command line that starts a run. `puppet agent --enable` and
// the like start none.
var (
	runsPuppet  = regexp.MustCompile(`(^|[\s/;&|"'])puppet\s+(agent|apply)\b`)
	startsNoRun = regexp.MustCompile(`--(enable|disable|fingerprint|help|version|configprint)\b`)
)

// FindSchedulers looks for Puppet's own daemon, crontab lines and systemd timers
// that run Puppet. The error says where it may not look: what it did not find there
// may be there all the same.
func FindSchedulers(roots SchedulerRoots, s *Settings) ([]Scheduler, error) {
	var found []Scheduler
	var errs []error
	if s != nil {
		lock, err := ReadLock(s.AgentPidfile())
		if lock != nil {
			found = append(found, Scheduler{"daemon", fmt.Sprintf("pid %d (%s)", lock.PID, lock.Command)})
		}
		errs = append(errs, err)
	}
	for _, c := range []struct {
		paths []string
		mode  fs.FileMode // without it, nobody looks at a file
	}{{roots.Crontabs, 0}, {roots.Scripts, 0o111}} {
		for _, path := range c.paths {
			hits, err := grepAll(path, c.mode)
			for _, h := range hits {
				found = append(found, Scheduler{"cron", h})
			}
			errs = append(errs, err)
		}
	}
	timers, err := findTimers(roots.Units)
	return append(found, timers...), errors.Join(append(errs, err)...)
}

// grepAll looks through a file, or through the files of a directory. cron passes by
// names with a dot, and run-parts by what nobody may execute; so does this.
func grepAll(path string, mode fs.FileMode) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		if fi, statErr := os.Stat(path); statErr == nil && fi.Mode().IsRegular() {
			return grep(path, mode)
		}
		return nil, err
	}
	var hits []string
	var errs []error
	for _, e := range entries {
		if strings.Contains(e.Name(), ".") {
			continue
		}
		h, err := grep(filepath.Join(path, e.Name()), mode)
		hits = append(hits, h...)
		errs = append(errs, err)
	}
	return hits, errors.Join(errs...)
}

// grep lists the lines of a plain file that start Puppet, as file:line.
func grep(path string, mode fs.FileMode) ([]string, error) {
	fi, err := os.Stat(path)
	if err != nil || !fi.Mode().IsRegular() || mode != 0 && fi.Mode()&mode == 0 {
		return nil, ignoreMissing(err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	defer f.Close()
	var hits []string
	lines := bufio.NewScanner(io.LimitReader(f, 1<<20))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if !strings.HasPrefix(line, "#") && runsPuppet.MatchString(line) && !startsNoRun.MatchString(line) {
			hits = append(hits, fmt.Sprintf("%s:%d", path, n))
		}
	}
	return hits, lines.Err()
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// findTimers looks at the timers that are enabled, and at the enabled service of
// Puppet's daemon: at the next boot it drives the node whether it runs now or not.
func findTimers(dirs []string) ([]Scheduler, error) {
	var found []Scheduler
	var errs []error
	seen := map[string]bool{} // one directory may go by two names
	for _, dir := range dirs {
		names, err := wantedUnits(dir)
		errs = append(errs, err)
		for _, name := range names {
			kind, service := "unit", name
			if base, ok := strings.CutSuffix(name, ".timer"); ok {
				kind, service = "timer", base+".service"
			} else if !strings.HasPrefix(name, "puppet") {
				continue
			}
			if seen[name] {
				continue
			}
			seen[name] = true
			hit, err := unitRunsPuppet(dirs, service)
			errs = append(errs, err)
			if hit != "" {
				found = append(found, Scheduler{kind, name + " (" + hit + ")"})
			}
		}
	}
	return found, errors.Join(errs...)
}

// wantedUnits are the units that dir enables.
func wantedUnits(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	errs := []error{ignoreMissing(err)}
	var names []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".target.wants") {
			continue
		}
		wanted, err := os.ReadDir(filepath.Join(dir, e.Name()))
		errs = append(errs, err)
		for _, w := range wanted {
			names = append(names, w.Name())
		}
	}
	return names, errors.Join(errs...)
}

// unitRunsPuppet returns the place in a service's unit that starts Puppet.
func unitRunsPuppet(dirs []string, service string) (string, error) {
	for _, dir := range dirs {
		path := filepath.Join(dir, service)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		hits, err := grep(path, 0)
		if len(hits) == 0 {
			return "", err
		}
		return hits[0], err
	}
	return "", nil
}
