// Package state is the node's state directory: the files that puppet-cron leaves
// for itself, for `puppet-cron status` and for whoever looks after the node.
//
//	run.lock           held while a run goes on, by the runner and by Puppet
//	running.json       the run in progress
//	puppet.json        what the last runner learnt of Puppet
//	last-run.json      the last run; last-executed.json the last that was not skipped
//	last-change.json   the last that changed something; last-success.json the last good one
//	failing.json       the runs in a row that did not end well
//	runs/ID/           request.json, lock, output.log, run.json: one run, kept as history
//	spool/             final records that the collector does not have yet; ledger.json counts
//	                   those that had to be dropped; rejected/ has those that it refused
//	reporter.json      what is known of the reporting
//
// Writers are root or the one user that runs Puppet. Readers may be anybody: the
// files above are readable by all and hold no text that Puppet printed; the records in
// runs/ID and spool are not. Every file is replaced whole and carries a schema; one with a
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
type Dir struct {
	path     string
	spoolMax int    // 0: nothing is spooled
	killHere func() // for tests
}

// Open makes the directory when only it is missing, and checks that nobody else
// may write to it.
func Open(path string) (*Dir, error) {
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("%w: state_dir %q is not an absolute path", ErrMisplaced, path)
	}
	path = filepath.Clean(path) // as Join does with the files' paths: what is checked is what is used
	parent := filepath.Dir(path)
	if fi, err := os.Stat(parent); err != nil {
		return nil, fmt.Errorf("%w: cannot make %s: %w; create %s first or set state_dir", ErrMisplaced, path, err, parent)
	} else if !fi.IsDir() {
		return nil, fmt.Errorf("%w: cannot make %s: %s is not a directory; set state_dir", ErrMisplaced, path, parent)
	}
	d := &Dir{path: path}
	for _, dir := range []string{path, d.runs()} {
		if err := makeDir(dir); err != nil {
			return nil, err
		}
		if err := safepath.Check(dir); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMisplaced, err)
		}
	}
	return d, nil
}

// View opens the directory for reading. It need not exist.
func View(path string) *Dir { return &Dir{path: filepath.Clean(path)} }

// makeDir sets the mode itself: the umask must not hide the status from users.
func makeDir(path string) error {
	err := os.Mkdir(path, dirMode)
	if err == nil {
		err = os.Chmod(path, dirMode)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w; run as the user that runs Puppet, or set state_dir", ErrMisplaced, err)
	case !errors.Is(err, fs.ErrExist):
		return fmt.Errorf("cannot make the state directory: %w", err)
	}
	if fi, err := os.Stat(path); err != nil || !fi.IsDir() {
		return fmt.Errorf("%w: %s is in the way: it is not a directory; remove it or set state_dir", ErrMisplaced, path)
	}
	return nil
}

// Path is where the directory is.
func (d *Dir) Path() string { return d.path }

// RunLock is the path of the lock that a run holds.
func (d *Dir) RunLock() string { return filepath.Join(d.path, "run.lock") }

func (d *Dir) runs() string { return filepath.Join(d.path, "runs") }

// File is the path of one of the files at the top of the directory.
func (d *Dir) File(name string) string { return filepath.Join(d.path, name) }
