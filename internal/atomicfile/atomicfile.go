// Package atomicfile replaces whole files: a reader sees the old content or the
// new, never a part, and what Write has returned for survives a power cut.
package atomicfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// tempPrefix starts with a dot so that a listing of records passes leftovers by.
const tempPrefix = ".tmp-"

// Write replaces the file at path. The directory is synced as well as the file:
// without that a power cut may bring the old name back.
func Write(path string, data []byte, mode os.FileMode) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, tempPrefix+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("cannot write %s: %w", path, err)
		}
	}()
	if err := f.Chmod(mode); err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncDir(dir)
}

// IsTemp reports whether name is one that Write gives to a file in the making: a
// process that was killed may have left it behind.
func IsTemp(name string) bool { return strings.HasPrefix(name, tempPrefix) }
