package puppet

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/process"
)

// Lock is one of Puppet's lock files while a living Puppet holds it.
type Lock struct {
	Path    string    `json:"path"`
	PID     int       `json:"pid"`
	Command string    `json:"command,omitempty"`
	Since   time.Time `json:"since"`
}

func (l *Lock) String() string {
	return fmt.Sprintf("pid %d (%s) holds %s", l.PID, l.Command, l.Path)
}

// ReadLock says who holds Puppet's lock file at path; nil means nobody. It goes by
// Puppet's own rule (lib/puppet/util/pidlock.rb), which every agent applies before
// it respects a lock: the file holds the pid of a living process that looks like
// Puppet. A file that fails the rule is stale; Puppet itself removes it, we never
// do, because that would race with an agent that just took it.
func ReadLock(path string) (*Lock, error) {
	f, err := openPlain(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read Puppet's lock: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		return nil, fmt.Errorf("cannot read Puppet's lock %s: %w", path, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || pid <= 0 {
		return nil, nil
	}
	p, err := process.Find(pid)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("cannot tell who holds Puppet's lock %s: %w", path, err)
	case p.Zombie, !LooksLikePuppet(p):
		return nil, nil
	}
	lock := &Lock{Path: path, PID: pid, Command: p.Command}
	if fi, err := f.Stat(); err == nil {
		lock.Since = fi.ModTime()
	}
	return lock, nil
}

// puppetName is the rule for names. It matches `puppet-cron` too, which is why our
// processes call themselves otherwise.
var puppetName = regexp.MustCompile(`puppet(-.*)?$`)

// LooksLikePuppet is Puppet's own rule for what a living process must be called to
// count as one.
func LooksLikePuppet(p process.Process) bool {
	return puppetName.MatchString(p.Name) ||
		(strings.Contains(p.Name, "ruby") && strings.Contains(p.Command, "puppet"))
}

// RunInProgress says who holds one of the locks that keep an agent from running.
func (s *Settings) RunInProgress() (*Lock, error) {
	for _, path := range []string{s.CatalogRunLock, s.SSLLock} {
		if path == "" {
			continue
		}
		if lock, err := ReadLock(path); lock != nil || err != nil {
			return lock, err
		}
	}
	return nil, nil
}
