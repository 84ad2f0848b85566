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

	dir   *Dir
	lock  *filelock.Lock
	made  bool     // by this process
	final *api.Run // that was recorded
}

// Begin makes a run and claims it. Nobody ever sees it unclaimed: it is made under
// another name, so that a run found unclaimed is one whose runner has died.
func (d *Dir) Begin(req Request) (*Claim, error) {
	if !api.ValidID(req.ID) {
		return nil, errNoID(req.ID)
	}
	making := filepath.Join(d.runs(), makingPrefix+req.ID)
	if err := os.Mkdir(making, dirMode); err != nil {
		return nil, fmt.Errorf("cannot begin run %s: %w", req.ID, err)
	}
	lock, err := d.begin(making, req)
	if err == nil {
		err = os.Rename(making, d.RunDir(req.ID))
	}
	if err != nil {
		_ = os.RemoveAll(making)
		release(lock)
		return nil, fmt.Errorf("cannot begin run %s: %w", req.ID, err)
	}
	if err := atomicfile.SyncDir(d.runs()); err != nil {
		_ = os.RemoveAll(d.RunDir(req.ID))
		release(lock)
		return nil, fmt.Errorf("cannot begin run %s: %w", req.ID, err)
	}
	return &Claim{ID: req.ID, dir: d, lock: lock, made: true}, nil
}

const makingPrefix = ".begin-"

// begin fills a run in the making. Its lock is the first thing in it, and marked
// before the request is synced together with it.
func (d *Dir) begin(making string, req Request) (*filelock.Lock, error) {
	if err := os.Chmod(making, dirMode); err != nil {
		return nil, err
	}
	lock, err := filelock.TryLock(filepath.Join(making, "lock"))
	if err != nil {
		return nil, err
	}
	if lock == nil {
		return nil, ErrTaken // by a Prune that takes us for dead: this machine slept
	}
	if err := markBegun(lock); err != nil {
		return lock, err
	}
	req.Schema = schema
	return lock, write(filepath.Join(making, requestName), req, privateMode)
}

// markBegun says for good that this run was begun. That the lock's file exists
// does not: whoever only tries to claim a run makes it.
func markBegun(lock *filelock.Lock) error {
	if _, err := lock.File().WriteString("begun\n"); err != nil {
		return err
	}
	return lock.File().Sync()
}

func (d *Dir) begun(id string) bool {
	fi, err := os.Lstat(d.claimFile(id))
	return err == nil && fi.Size() > 0
}

// release gives up a lock that nobody inherited. An error of it is of no use: the
// lock goes with the process at the latest.
func release(lock *filelock.Lock) {
	if lock != nil {
		_ = lock.Unlock()
	}
}

// Claim claims a run that was begun, or asked for, by a process that is gone. It
// answers ErrTaken when that process lives, ErrRecorded when all is done.
func (d *Dir) Claim(id string) (*Claim, error) {
	if !api.ValidID(id) {
		return nil, errNoID(id)
	}
	if d.recorded(id) {
		return nil, ErrRecorded
	}
	if _, err := os.Lstat(d.RunDir(id)); err != nil {
		return nil, fmt.Errorf("there is no run %s: %w", id, err)
	}
	lock, err := filelock.TryLock(d.claimFile(id))
	if err != nil {
		return nil, fmt.Errorf("cannot claim run %s: %w", id, err)
	}
	if lock == nil {
		return nil, ErrTaken
	}
	if d.recorded(id) { // between the look and the lock
		d.settleLocked(id)
		release(lock)
		return nil, ErrRecorded
	}
	c := &Claim{ID: id, Resumed: d.begun(id), dir: d, lock: lock}
	if !c.Resumed {
		if err := markBegun(lock); err != nil {
			release(lock)
			return nil, fmt.Errorf("cannot claim run %s: %w", id, err)
		}
	}
	return c, nil
}

// Record spools the final record of the run, writes it, and then what status shows. It
// is the only way a run gets one. When a process that was killed had spooled another, that
// one is recorded; Final tells. A record that cannot be spooled is written nonetheless, and
// the error says so.
func (c *Claim) Record(run api.Run) error {
	if run.ID != c.ID {
		return fmt.Errorf("cannot record run %q as run %s", run.ID, c.ID)
	}
	if c.dir.recorded(c.ID) {
		return ErrRecorded
	}
	_ = os.Remove(c.reserve()) // without a reserve the record may fit nonetheless
	run, unspooled := c.dir.enspool(run)
	c.dir.interrupt()
	if err := write(c.dir.RecordFile(c.ID), run, privateMode); err != nil {
		return errors.Join(fmt.Errorf("cannot record run %s: %w", c.ID, err), unspooled)
	}
	c.final = &run
	if err := c.dir.publish(&run); err != nil {
		return errors.Join(err, unspooled)
	}
	// The record ended the claim. As long as its file is there, Prune takes it that
	// status was not told: a process killed before this line leaves it.
	_ = os.Remove(c.dir.claimFile(c.ID))
	return unspooled
}

// Final is what Record wrote; nil when it wrote nothing.
func (c *Claim) Final() *api.Run { return c.final }

// Reserve takes the room on the disk that Record will need, so that a disk which
// fills up during the run costs no outcome. log is how many bytes of Puppet's output the
// record may hold.
func (c *Claim) Reserve(log int64) error {
	if err := c.takeRoom(reserved + 2*log); err != nil { // JSON at most doubles what people read
		_ = os.Remove(c.reserve())
		return fmt.Errorf("cannot take the room that the record of run %s will need: %w", c.ID, err)
	}
	return nil
}

const reserved = 384 << 10 // more than the largest record without a log

// takeRoom takes it twice where the record is spooled as well.
func (c *Claim) takeRoom(size int64) error {
	if c.dir.spoolMax > 0 {
		size *= 2
	}
	f, err := os.OpenFile(c.reserve(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	for block := make([]byte, reserved); size > 0 && err == nil; size -= reserved {
		_, err = f.Write(block[:min(size, reserved)])
	}
	return errors.Join(err, f.Close())
}

func (c *Claim) reserve() string { return filepath.Join(c.dir.RunDir(c.ID), "reserve") }

// Undo takes back a claim of which nothing came, so that nobody takes the run for one
// that was cut off. A run that this process made up is gone; one that was asked for is
// still to be begun.
func (c *Claim) Undo() {
	switch {
	case c.Resumed:
		return
	case c.made:
		_ = os.RemoveAll(c.dir.RunDir(c.ID))
	default:
		_ = os.Remove(c.reserve())
		_ = os.Truncate(c.dir.claimFile(c.ID), 0)
	}
}

// Release gives the claim up.
func (c *Claim) Release() { release(c.lock) }

// OutputLog is where Puppet's output of this run goes.
func (d *Dir) OutputLog(id string) string { return filepath.Join(d.RunDir(id), "output.log") }

// RunDir is the directory of one run.
func (d *Dir) RunDir(id string) string { return filepath.Join(d.runs(), id) }

func (d *Dir) claimFile(id string) string { return filepath.Join(d.RunDir(id), "lock") }

// RecordFile is where the final record of a run is.
func (d *Dir) RecordFile(id string) string { return filepath.Join(d.RunDir(id), recordName) }

const (
	requestName = "request.json"
	recordName  = "run.json"
)

func (d *Dir) recorded(id string) bool {
	_, err := os.Lstat(d.RecordFile(id))
	return err == nil
}

// Request reads what was asked for.
func (d *Dir) Request(id string) (*Request, error) {
	if !api.ValidID(id) {
		return nil, errNoID(id)
	}
	path := filepath.Join(d.RunDir(id), requestName)
	r := new(Request)
	if err := read(path, r); err != nil {
		return nil, err
	}
	if r.ID != id {
		return nil, fmt.Errorf("%w: %s is of run %q", ErrCorrupt, path, r.ID)
	}
	if (r.Trigger == "") != (r.Kind == ForHold) || (r.Kind != ForRun && r.Kind != ForHold) {
		return nil, fmt.Errorf("%w: %s: kind %q, trigger %q", ErrCorrupt, path, r.Kind, r.Trigger)
	}
	if !duration(r.WaitS) || !duration(r.TimeoutS) {
		return nil, fmt.Errorf("%w: %s: wait_s %g, timeout_s %g", ErrCorrupt, path, r.WaitS, r.TimeoutS)
	}
	return r, nil
}

// Run reads the final record of a run.
func (d *Dir) Run(id string) (*api.Run, error) {
	if !api.ValidID(id) {
		return nil, errNoID(id)
	}
	r, err := readRun(d.RecordFile(id))
	if err != nil {
		return nil, err
	}
	if r.ID != id {
		return nil, fmt.Errorf("%w: %s is of run %q", ErrCorrupt, d.RecordFile(id), r.ID)
	}
	return r, nil
}

func errNoID(id string) error {
	return fmt.Errorf("%q is no id of a run: it must be a UUID in lower case", id)
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
		return !d.begun(id) || d.recorded(id)
	}), nil
}
