package main

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/filelock"
	"github.com/puppet-cron/puppet-cron/state"
)

// forgetService tells status, check and the metrics that no service is to be waited for
// any more. Should that fail, the service is gone all the same.
func (p *program) forgetService() {
	cfg, err := p.loadConfig()
	if err == nil {
		err = noService(state.View(cfg.StateDir))
	}
	if err == nil {
		err = p.publishMetrics(cfg, false)
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "puppet-cron: warning: status, check or the metrics still speak of the service that is gone: %v; removing schedule.json from the state directory ends that\n", err)
	}
}

// noService takes the service out of schedule.json. The ledger stays: a service that is
// installed again goes on where this one ended.
func noService(dir *state.Dir) error {
	if _, err := dir.Schedule(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // none has ever served
		}
		return err
	}
	lock, err := lockService(dir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Unlock() }()
	kept, err := dir.Schedule()
	if err != nil {
		return err
	}
	kept.Service, kept.Started, kept.NextDue, kept.NextWhy = nil, nil, nil, ""
	return dir.SetSchedule(*kept)
}

// lockService keeps services off. One that was told to stop may take a moment.
func lockService(dir *state.Dir) (*filelock.Lock, error) {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		lock, err := filelock.TryLock(dir.ServeLock())
		if lock != nil || err != nil {
			return lock, err
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("another puppet-cron serves this state directory: %s is locked; stop it", dir.ServeLock())
		}
	}
}
