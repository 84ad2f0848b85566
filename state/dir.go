// Package state is the node's state directory: the files that puppet-cron leaves
// for itself, for `puppet-cron status` and for whoever looks after the node.
//
//	run.lock           held while a run goes on, by the runner and by Puppet
//	running.json       the run in progress
//	puppet.json        what the last runner learnt of Puppet
//	last-run.json      the last run; last-executed.json the last that was not skipped
//	last-change.json   the last that changed something; last-success.json the last good one
//	runs/ID/           request.json, lock, output.log, run.json: one run, kept as history
//
// Writers are root or the one user that runs Puppet. Readers may be anybody: the
// files above are readable by all and hold no text that Puppet printed, those in
// runs/ID are not. Every file is replaced whole and carries a schema; one with a
// higher schema than ours is never rewritten.
package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/puppet-cron/puppet-cron/internal/safepath"
)

const (
	publicMode  = 0o644
	privateMode = 0o640
	dirMode     = 0o755
)

// ErrMisplaced is in the error of Open when the directory cannot be there at all,
// which its owner must mend: no parent, or a place that others may write to.
var ErrMisplaced = errors.New("unusable state directory")

// Dir is a node's state directory.
type Dir struct{ path string }

// Open makes the directory when only it is missing, and checks that nobody else
// may write to it.
func Open(path string) (*Dir, error) {
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("%w: state_dir %q is not an absolute path", ErrMisplaced, path)
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("%w: cannot make %s: %w; create %s first or set state_dir",
			ErrMisplaced, path, err, filepath.Dir(path))
	}
	if err := makeDir(path); err != nil {
		return nil, fmt.Errorf("cannot make the state directory: %w", err)
	}
	if err := safepath.Check(path); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMisplaced, err)
	}
	d := &Dir{path}
	if err := makeDir(d.runs()); err != nil {
		return nil, fmt.Errorf("cannot make the directory of runs: %w", err)
	}
	return d, nil
}

// View opens the directory for reading. It need not exist.
func View(path string) *Dir { return &Dir{path} }

// makeDir sets the mode itself: the umask must not hide the status from users.
func makeDir(path string) error {
	err := os.Mkdir(path, dirMode)
	if err == nil {
		return os.Chmod(path, dirMode)
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	fi, err := os.Stat(path)
	if err == nil && !fi.IsDir() {
		err = fmt.Errorf("%w: %s is not a directory", ErrMisplaced, path)
	}
	return err
}

// Path is where the directory is.
func (d *Dir) Path() string { return d.path }

// RunLock is the path of the lock that a run holds.
func (d *Dir) RunLock() string { return filepath.Join(d.path, "run.lock") }

func (d *Dir) runs() string { return filepath.Join(d.path, "runs") }

// File is the path of one of the files at the top of the directory.
func (d *Dir) File(name string) string { return filepath.Join(d.path, name) }
