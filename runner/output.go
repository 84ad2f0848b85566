package runner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A run's output is cut down to keepOutput when it grows beyond maxOutput: an agent
// with --debug prints megabytes, and a run may loop.
const (
	maxOutput  = 16 << 20
	keepOutput = 4 << 20
)

// openOutput appends, also for Puppet: so a file that was cut down is written on
// at its new end.
func openOutput(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, fmt.Errorf("cannot open the file for puppet's output: %w", err)
	}
	if err := f.Chmod(0o640); err != nil {
		f.Close()
		return nil, err
	}
	if err := preallocate(f, roomForOutput); err != nil {
		f.Close()
		return nil, fmt.Errorf("there is no room for puppet's output: %w", err)
	}
	return f, nil
}

// roomForOutput is kept free for Puppet's first lines: a Puppet that cannot print
// fails, so a disk that fills up would fail a run that has nothing to do with it.
const roomForOutput = 64 << 10

// closeOutput gives back the room that was not needed.
func closeOutput(f *os.File) error {
	fi, err := f.Stat()
	if err == nil {
		err = f.Truncate(fi.Size())
	}
	return errors.Join(err, f.Close())
}

// capOutput keeps the end of an output that has grown too long. What is written in
// the instant between reading and cutting is lost.
func capOutput(f *os.File) error {
	fi, err := f.Stat()
	if err != nil || fi.Size() <= maxOutput {
		return err
	}
	end := make([]byte, keepOutput)
	if _, err := f.ReadAt(end, fi.Size()-keepOutput); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "[puppet-cron: %d bytes were cut here]\n%s", fi.Size()-keepOutput, end)
	return err
}

// tail reads the last n bytes of a file, or all of a missing one: nothing.
func tail(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	from := max(0, fi.Size()-n)
	return io.ReadAll(io.NewSectionReader(f, from, fi.Size()-from))
}
