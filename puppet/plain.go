package puppet

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// openPlain opens a plain file of Puppet's. Its directories may belong to a user of
// its own, who must not be able to make us wait for the other end of a pipe.
func openPlain(path string) (*os.File, error) {
	return plain(os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0))
}

// plain closes what is no plain file.
func plain(f *os.File, err error) (*os.File, error) {
	if err != nil {
		return nil, err
	}
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(err, fmt.Errorf("%s is not a plain file", f.Name()))
	}
	return f, nil
}
