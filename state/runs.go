package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/atomicfile"
	"github.com/puppet-cron/puppet-cron/internal/filelock"
)

// ErrRecorded says that a run has its final record: the first one wins.
var ErrRecorded = errors.New("the run has been recorded already")

// ErrTaken says that another process runs or records this run.
var ErrTaken = errors.New("another process has this run")

// A Claim is the right to run and to record one run, for as long as this process
// lives or until Release.
type Claim struct {
	ID string
	// Resumed: a process that is gone had begun this run.
	Resumed bool

	dir  *Dir
	lock *filelock.Lock
}

// Begin makes a run and claims it. Nobody ever sees it unclaimed: it is made under
// another name, so that a run found unclaimed is one whose runner has died.
func (d *Dir) Begin(req Request) (*Claim, error) {
	if !api.ValidID(req.ID) {
		return nil, fmt.Errorf("%q is no id of a run: it must be a UUID in lower case", req.ID)
	}
	making := filepath.Join(d.runs(), makingPrefix+req.ID)
	if err := os.Mkdir(making, dirMode); err != nil {
		return nil, fmt.Errorf("cannot begin a run: %w", err)
	}
	lock, err := filelock.TryLock(filepath.Join(making, "lock"))
	if err == nil {
		req.Schema = schema
		err = write(filepath.Join(making, "request.json"), req, privateMode)
	}
	if err == nil {
		err = errors.Join(os.Chmod(making, dirMode), os.Rename(making, d.RunDir(req.ID)), atomicfile.SyncDir(d.runs()))
	}
	if err != nil {
		os.RemoveAll(making)
		if lock != nil {
			lock.Close()
		}
		return nil, fmt.Errorf("cannot begin a run: %w", err)
	}
	return &Claim{ID: req.ID, dir: d, lock: lock}, nil
}

const makingPrefix = ".begin-"

// Claim claims a run that was begun, or asked for, by a process that is gone. It
// answers ErrTaken when that process lives, ErrRecorded when all is done.
func (d *Dir) Claim(id string) (*Claim, error) {
	if !api.ValidID(id) {
		return nil, fmt.Errorf("%q is no id of a run: it must be a UUID in lower case", id)
	}
	if d.recorded(id) {
		return nil, ErrRecorded
	}
	_, begun := os.Lstat(d.claimFile(id))
	lock, err := filelock.TryLock(d.claimFile(id))
	if err != nil {
		return nil, err
	}
	if lock == nil {
		return nil, ErrTaken
	}
	if d.recorded(id) { // between the look and the lock
		lock.Unlock()
		return nil, ErrRecorded
	}
	return &Claim{ID: id, Resumed: begun == nil, dir: d, lock: lock}, nil
}

// Record writes the final record of the run, then what status shows. It is the
// only way a run gets one.
func (c *Claim) Record(run api.Run) error {
	path := filepath.Join(c.dir.RunDir(c.ID), "run.json")
	if c.dir.recorded(c.ID) {
		return ErrRecorded
	}
	os.Remove(c.reserve())
	if err := write(path, run, privateMode); err != nil {
		return fmt.Errorf("cannot record the run: %w", err)
	}
	os.Remove(c.dir.claimFile(c.ID)) // the record ends the claim; we hold the lock, so nobody is fooled
	return c.dir.setLast(run)
}

// Reserve takes the room on the disk that Record will need, so that a disk which
// fills up during the run costs no outcome.
func (c *Claim) Reserve() error {
	if err := os.WriteFile(c.reserve(), make([]byte, reserved), privateMode); err != nil {
		os.Remove(c.reserve())
		return fmt.Errorf("there is no room to record a run: %w", err)
	}
	return nil
}

const reserved = 256 << 10

func (c *Claim) reserve() string { return filepath.Join(c.dir.RunDir(c.ID), "reserve") }

// Release gives the claim up.
func (c *Claim) Release() { c.lock.Unlock() }

// OutputLog is where Puppet's output of this run goes.
func (d *Dir) OutputLog(id string) string { return filepath.Join(d.RunDir(id), "output.log") }

// RunDir is the directory of one run.
func (d *Dir) RunDir(id string) string { return filepath.Join(d.runs(), id) }

func (d *Dir) claimFile(id string) string { return filepath.Join(d.RunDir(id), "lock") }

func (d *Dir) recorded(id string) bool {
	_, err := os.Lstat(filepath.Join(d.RunDir(id), "run.json"))
	return err == nil
}

// Request reads what was asked for.
func (d *Dir) Request(id string) (*Request, error) {
	path := filepath.Join(d.RunDir(id), "request.json")
	r := new(Request)
	if err := read(path, r); err != nil {
		return nil, err
	}
	if r.ID != id {
		return nil, fmt.Errorf("%w: %s is of run %q", ErrCorrupt, path, r.ID)
	}
	return r, nil
}

// Run reads the final record of a run.
func (d *Dir) Run(id string) (*api.Run, error) {
	path := filepath.Join(d.RunDir(id), "run.json")
	r := new(api.Run)
	if err := read(path, r); err != nil {
		return nil, err
	}
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, path, err)
	}
	return r, nil
}

// IDs lists the runs, the newest first. Names that are no ids are passed by.
func (d *Dir) IDs() ([]string, error) {
	entries, err := os.ReadDir(d.runs())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the runs: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() && api.ValidID(e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids, nil
}

// Unfinished lists the runs that were begun and have no final record: the one in
// progress, and those whose runner died.
func (d *Dir) Unfinished() ([]string, error) {
	ids, err := d.IDs()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(ids, func(id string) bool {
		_, err := os.Lstat(d.claimFile(id))
		return err != nil || d.recorded(id)
	}), nil
}
