package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/puppet-cron/puppet-cron/internal/safepath"
)

// Load reads the file at path. A missing file is an error that wraps
// fs.ErrNotExist: whether defaults will do is for the caller to say, who knows
// whether somebody asked for this very file.
//
// Root runs what the file says, so for root the file must pass safepath.Check.
func Load(path string) (*Config, error) {
	if err := safepath.Check(path); err != nil {
		return nil, fmt.Errorf("configuration file %w", explain(path, err))
	}
	f, err := openRegular(path)
	if err != nil {
		return nil, fmt.Errorf("configuration file %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	return Parse(path, f)
}

// openRegular opens path for reading. O_NONBLOCK, because opening a FIFO would
// otherwise wait for a writer for ever.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, explain(path, err)
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

func explain(path string, err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err // it would name the path a second time
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w: create it (`puppet-cron config reference` shows every key; it may be empty), or leave --config out", path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w: run this as root, or make the file readable: chmod a+r %s", path, err, path)
	}
	return fmt.Errorf("%s: %w", path, err)
}
