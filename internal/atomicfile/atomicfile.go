// Package atomicfile replaces whole files: a reader sees the old content or the
// new, never a part, and what Write has returned for survives a power cut.
package atomicfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tempPrefix starts with a dot so that a listing of records passes leftovers by.
const tempPrefix = ".tmp-"

// Write replaces the file at path. The directory is synced as well as the file:
// without that a power cut may bring the old name back.
func Write(path string, data []byte, mode os.FileMode) error {
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, cause(err))
	}
	defer func() { _ = dir.Close() }()
	return WriteIn(dir, filepath.Base(path), data, mode)
}

// WriteIn replaces the file of that name in a directory.
func WriteIn(dir *os.Root, name string, data []byte, mode os.FileMode) error {
	return WriteFor(dir, name, data, mode, -1, -1)
}

// WriteFor is WriteIn for a file that is to be another user's: it is his before it has its
// name. A uid and gid of -1 are those of the process.
func WriteFor(dir *os.Root, name string, data []byte, mode os.FileMode, uid, gid int) error {
	temp := tempPrefix + name + "-" + rand.Text()
	err := writeNew(dir, temp, data, mode, uid, gid)
	if err == nil {
		err = dir.Rename(temp, name)
	}
	if err == nil {
		err = SyncRoot(dir)
	} else {
		_ = dir.Remove(temp)
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", filepath.Join(dir.Name(), name), cause(err))
	}
	return nil
}

func writeNew(dir *os.Root, name string, data []byte, mode os.FileMode, uid, gid int) error {
	f, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Chmod(mode); err != nil { // whatever the umask
		return err
	}
	if uid >= 0 || gid >= 0 { // by the open file: the name may be a stranger's by now
		if err := f.Chown(uid, gid); err != nil {
			return err
		}
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// cause is an error without the name of a file that nobody has heard of.
func cause(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	if of, ok := errors.AsType[*os.LinkError](err); ok {
		return of.Err
	}
	return err
}

// IsTemp reports whether name is one that Write gives to a file in the making: a
// process that was killed may have left it behind.
func IsTemp(name string) bool { return strings.HasPrefix(name, tempPrefix) }
