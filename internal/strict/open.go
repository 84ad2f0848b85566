package strict

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/puppet-cron/puppet-cron/internal/safepath"
)

// Open opens the configuration file of a program for reading. A missing file is an
// error that wraps fs.ErrNotExist: whether defaults will do is for the caller to say,
// who knows whether somebody asked for this very file.
//
// Root does what the file says, so for root the file must pass safepath.Check.
func Open(program, path string) (*os.File, error) {
	if err := safepath.Check(path); err != nil {
		return nil, fmt.Errorf("configuration file %w", explain(program, path, err))
	}
	f, err := openRegular(program, path)
	if err != nil {
		return nil, fmt.Errorf("configuration file %w", err)
	}
	return f, nil
}

// openRegular opens path for reading. O_NONBLOCK, because opening a FIFO would
// otherwise wait for a writer for ever.
func openRegular(program, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, explain(program, path, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: is not a regular file (mode %v): give the path of a file", path, info.Mode())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func explain(program, path string, err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err // it would name the path a second time
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w: create it (`%s config reference` shows every key; it may be empty), or leave --config out", path, err, program)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w: run this as root, or make the file readable: chmod a+r %s", path, err, path)
	}
	return fmt.Errorf("%s: %w", path, err)
}
