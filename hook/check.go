package hook

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/puppet-cron/puppet-cron/internal/safepath"
)

// ErrRefused is in the error of a program that was not executed at all.
var ErrRefused = errors.New("not executed")

// Check says why the file at path must not, or cannot, be executed.
func Check(path string) error {
	if err := safepath.CheckOwn(path); err != nil {
		return unwrapPath(path, err)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return unwrapPath(path, err)
	case info.IsDir():
		return fmt.Errorf("%s: is a directory, not a program", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: is not a regular file (mode %v)", path, info.Mode())
	case info.Mode().Perm()&0o111 == 0 && executableByMode:
		return fmt.Errorf("%s: is not executable: chmod +x %s, or remove it", path, path)
	}
	return nil
}

// unwrapPath names the program where the error names something on the way to it.
func unwrapPath(path string, err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", path, pathErr.Err)
	}
	return err
}

// cannotExecute tells a person what to do about the kernel's answer.
func cannotExecute(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		err = fmt.Errorf("%w: does it begin with a line such as #!/bin/sh?", err)
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%w: is there an interpreter as its first line says?", err)
	}
	return fmt.Errorf("cannot be executed: %w", err)
}

// List returns the programs in a directory, in the order of their names, and what is
// wrong with the others. Nothing is wrong with a directory that is not there.
func List(dir string) (paths []string, refused []error) {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err := safepath.CheckOwn(dir); err != nil {
		return nil, []error{err}
	}
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return nil, []error{err}
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if isLeftover(e.Name()) {
			continue
		}
		if err := Check(path); err != nil {
			refused = append(refused, err)
			continue
		}
		paths = append(paths, path)
	}
	return paths, refused
}

// isLeftover reports whether a file is not meant to be there: hidden, or what an
// editor or a package manager has left of another.
func isLeftover(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || strings.Contains(name, ".dpkg-") ||
		slices.ContainsFunc([]string{".rpmnew", ".rpmsave", ".rpmorig"}, func(end string) bool { return strings.HasSuffix(name, end) })
}
