// Package filelock locks files for as long as a process lives, however it dies.
//
// A lock belongs to the open file, not to the process that took it: whoever
// inherits the descriptor keeps it locked. That is how Puppet goes on holding a
// run's lock when the runner is gone, and why Unlock matters: it releases the
// lock for every heir at once, where Close would leave it with them.
package filelock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Lock is an open lock file, locked or not.
type Lock struct{ f *os.File }

// Open opens the lock file at path and makes it when it is missing. It follows no
// symlink and accepts nothing but a plain file. The file is for its owner alone:
// whoever may open a file may lock it.
func Open(path string) (*Lock, error) {
	f, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the lock file %s: %w", path, err)
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = fmt.Errorf("it is a %s, not a plain file; remove it", kind(fi.Mode()))
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot use the lock file %s: %w", path, err)
	}
	return &Lock{f}, nil
}

// TryLock opens the file at path and locks it. When somebody else holds the lock
// it returns nil and no error. A file that was removed or replaced while we
// locked it guards nothing, so it is opened again.
func TryLock(path string) (*Lock, error) {
	for range 10 {
		l, err := Open(path)
		if err != nil {
			return nil, err
		}
		got, err := l.try()
		if err != nil {
			l.Close()
			return nil, fmt.Errorf("cannot lock %s: %w", path, err)
		}
		if !got {
			l.Close()
			return nil, nil
		}
		if l.standsAt(path) {
			return l, nil
		}
		l.Close()
	}
	return nil, fmt.Errorf("cannot lock %s: it is replaced again and again", path)
}

// File is the descriptor to hand down to a child that shall keep the lock.
func (l *Lock) File() *os.File { return l.f }

// Unlock releases the lock, also for those who inherited it, and closes the file.
func (l *Lock) Unlock() error {
	err := unlock(l.f)
	return errors.Join(err, l.f.Close())
}

// Close closes the file. The lock stays while an heir has it open.
func (l *Lock) Close() error { return l.f.Close() }

func (l *Lock) standsAt(path string) bool {
	here, err := l.f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(here, there)
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "directory"
	case m&fs.ModeSymlink != 0:
		return "symlink"
	case m&fs.ModeNamedPipe != 0:
		return "named pipe"
	}
	return "special file"
}
