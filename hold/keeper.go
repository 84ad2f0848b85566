package hold

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/internal/filelock"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/state"
)

// ErrPuppetFile is in an error that leaves the holds as they were asked for: only
// Puppet's own disable file does not agree with them.
var ErrPuppetFile = errors.New("puppet's own disable file does not agree with the holds")

// Keeper changes the holds and makes Puppet's disable file agree with them. The holds
// are written first: whatever a crash leaves undone the next Reconcile does.
type Keeper struct {
	State *state.Dir
	// File is Puppet's agent_disabled.lock. When it is empty, Find finds it: Puppet may
	// have to be asked, and by then the holds are written.
	File string
	Find func() (string, error)

	// between, set by tests, is called between any two writes and before each.
	between func()
}

// Load reads the holds. When nobody can tell who holds the node, the holds come with
// the error and say that everything is held.
func Load(d *state.Dir) (*Holds, error) {
	h := new(Holds)
	err := d.ReadHolds(h)
	if errors.Is(err, fs.ErrNotExist) {
		return &Holds{Schema: schema}, nil
	}
	if err == nil {
		if why := h.check(); why != nil {
			err = fmt.Errorf("%w: %s: %w", state.ErrCorrupt, d.File("holds.json"), why)
		}
	}
	if err != nil {
		return &Holds{unreadable: err}, err
	}
	return h, nil
}

// hint says what to do about holds that cannot be read.
func hint(err error) string {
	if errors.Is(err, state.ErrCorrupt) {
		return "; `puppet-cron enable --all` sets the file aside and ends every hold"
	}
	return ""
}

// Set adds a hold, in place of what its owner held, and returns all of them.
func (k *Keeper) Set(one Hold, now time.Time) (*Holds, error) {
	return k.change(now, func(h *Holds) (*Holds, error) { return h.with(one, now) })
}

// End ends the hold of an owner and leaves the others'.
func (k *Keeper) End(owner string, now time.Time) (*Holds, error) {
	return k.change(now, func(h *Holds) (*Holds, error) { return h.without(owner, now), nil })
}

// EndAll ends every hold. Holds that are corrupt are set aside; where they are now is
// told.
func (k *Keeper) EndAll(now time.Time) (aside string, err error) {
	err = k.locked(func() error {
		_, err := Load(k.State)
		if errors.Is(err, state.ErrCorrupt) {
			aside, err = k.State.SetHoldsAside()
			k.pause()
		}
		if err != nil {
			return fmt.Errorf("cannot end the holds: %w", err)
		}
		_, err = k.write(new(Holds), &Holds{Schema: schema}, now)
		return err
	})
	return aside, err
}

func (k *Keeper) change(now time.Time, to func(*Holds) (*Holds, error)) (h *Holds, err error) {
	err = k.locked(func() error {
		old, err := Load(k.State)
		if err != nil {
			return fmt.Errorf("cannot change who holds the node: %w%s", err, hint(err))
		}
		next, err := to(old)
		if err != nil {
			return err
		}
		h, err = k.write(old, next, now)
		return err
	})
	return h, err
}

// write keeps the holds, then tells Puppet.
func (k *Keeper) write(old, next *Holds, now time.Time) (*Holds, error) {
	if err := k.State.WriteHolds(next); err != nil {
		return nil, err
	}
	k.pause()
	return next, k.tell(next, now, old.Disabled(now) != nil)
}

// Reconcile makes Puppet's disable file agree with the holds, and returns them. As a
// rule it does already, and then nothing is locked.
func (k *Keeper) Reconcile(now time.Time) (*Holds, error) {
	h, err := Load(k.State)
	if err != nil {
		return h, err // a hold that nobody can read is neither ended nor enforced anew
	}
	if what, _, err := k.look(h, now); err == nil && what == agrees {
		return h, nil
	}
	err = k.locked(func() error {
		again, err := Load(k.State)
		h = again
		if err != nil {
			return err
		}
		return k.tell(h, now, true)
	})
	return h, err
}

// Due reports whether Reconcile has something to do.
func (k *Keeper) Due(now time.Time) bool {
	h, err := Load(k.State)
	if err != nil {
		return false
	}
	what, _, err := k.look(h, now)
	return err == nil && what != agrees
}

// todo is what must be done to Puppet's disable file.
type todo int

const (
	agrees todo = iota // also when it is somebody else's: that one is never touched
	put
	replace
	lift
)

func (k *Keeper) look(h *Holds, now time.Time) (todo, *api.DisableInfo, error) {
	want := h.Disabled(now)
	if err := k.find(); err != nil {
		if want == nil {
			return agrees, nil, nil // where nobody has ever found Puppet, nobody has disabled it
		}
		return put, want, err
	}
	file, err := puppet.ReadDisable(k.File)
	switch {
	case err != nil:
		return agrees, nil, err
	case file != nil && file.Plain(), file == nil && want == nil:
		return agrees, want, nil
	case file == nil:
		return put, want, nil
	case want == nil:
		return lift, nil, nil
	case !same(file, want):
		return replace, want, nil
	}
	return agrees, want, nil
}

func (k *Keeper) find() (err error) {
	if k.File != "" {
		return nil
	}
	if k.Find != nil {
		k.File, err = k.Find()
	}
	if err == nil && k.File == "" {
		err = errors.New("nobody knows where it is; `puppet-cron run` asks puppet")
	}
	return err
}

func same(a, b *api.DisableInfo) bool {
	at := func(x, y *time.Time) bool { return x == y || (x != nil && y != nil && x.Equal(*y)) }
	return a.By == b.By && a.Reason == b.Reason && at(a.Since, b.Since) && at(a.Until, b.Until)
}

// tell makes Puppet's disable file agree. That it was there before, and is gone, is
// noted: somebody has lifted it.
func (k *Keeper) tell(h *Holds, now time.Time, before bool) error {
	what, want, err := k.look(h, now)
	k.pause()
	if err == nil {
		err = k.do(what, want)
	}
	if errors.Is(err, fs.ErrExist) {
		if again, _, failed := k.look(h, now); failed == nil && again == agrees {
			return nil // somebody else has disabled Puppet in this instant
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPuppetFile, err)
	}
	if what != put || !before {
		return nil
	}
	k.pause()
	h.Restored = &now
	return k.State.WriteHolds(h)
}

func (k *Keeper) do(what todo, want *api.DisableInfo) error {
	switch what {
	case put, replace:
		return puppet.PutDisable(k.File, *want)
	case lift:
		return puppet.LiftDisable(k.File)
	}
	return nil
}

func (k *Keeper) pause() {
	if k.between != nil {
		k.between()
	}
}

// lockPatience is how long another change of the holds may take.
const lockPatience = 10 * time.Second

func (k *Keeper) locked(change func() error) error {
	for give := time.Now().Add(lockPatience); ; time.Sleep(10 * time.Millisecond) {
		lock, err := filelock.TryLock(k.State.HoldsLock())
		if err != nil {
			return err
		}
		if lock != nil {
			defer lock.Unlock()
			return change()
		}
		if time.Now().After(give) {
			return fmt.Errorf("cannot change who holds the node: another process has locked %s for %s; see who with `fuser`", k.State.HoldsLock(), lockPatience)
		}
	}
}
