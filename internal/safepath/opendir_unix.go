//go:build unix

package safepath

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// way is the directories that were opened on the way to one, from / on.
type way struct {
	trusted
	opened []*os.Root
	names  []string // of all but /
	mode   fs.FileMode
}

func openDir(path string, mode fs.FileMode) (*os.Root, error) {
	if os.Geteuid() != 0 {
		return openOwn(path, mode)
	}
	path, err := absolute(path)
	if err != nil {
		return nil, err
	}
	return trusted(0).open(path, mode)
}

// openOwn is for an ordinary user, who may not be allowed to read what he may pass.
func openOwn(path string, mode fs.FileMode) (*os.Root, error) {
	if mode != 0 {
		if err := os.MkdirAll(path, mode); err != nil {
			return nil, err
		}
	}
	return os.OpenRoot(path)
}

// open goes down from /, one component at a time, and never by a name that somebody
// could have given to another object since it was looked at.
func (t trusted) open(path string, mode fs.FileMode) (*os.Root, error) {
	w := &way{trusted: t, mode: mode}
	if err := w.restart(); err != nil {
		return nil, err
	}
	links := 0
	for todo := components(path); len(todo) > 0; {
		target, err := w.step(todo[0])
		todo = todo[1:]
		if err == nil && target != "" {
			if links++; links > maxSymlinks {
				err = fmt.Errorf("%s: more than %d symlinks on the way: give the real path", path, maxSymlinks)
			} else if filepath.IsAbs(target) {
				err = w.restart()
			}
			todo = append(components(target), todo...)
		}
		if err != nil {
			w.closeTo(0)
			return nil, err
		}
	}
	return w.end(), nil
}

// end is the directory that was reached; all others are closed.
func (w *way) end() *os.Root {
	last := w.here()
	w.opened = w.opened[:len(w.opened)-1]
	w.closeTo(0)
	return last
}

func (w *way) here() *os.Root { return w.opened[len(w.opened)-1] }

func (w *way) path(name string) string {
	return "/" + filepath.Join(append(slices.Clip(w.names), name)...)
}

func (w *way) closeTo(n int) {
	for ; len(w.opened) > n; w.opened = w.opened[:len(w.opened)-1] {
		_ = w.here().Close()
	}
	w.names = w.names[:max(0, n-1)]
}

func (w *way) restart() error {
	w.closeTo(0)
	top, err := os.OpenRoot("/")
	if err == nil {
		w.opened = append(w.opened, top)
	}
	return err
}

// step goes into a directory, or returns where a symlink leads.
func (w *way) step(name string) (target string, err error) {
	if name == ".." {
		w.closeTo(max(1, len(w.opened)-1))
		return "", nil
	}
	info, err := w.look(name)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", w.path(name), cause(err))
	case info.Mode().Type() != fs.ModeSymlink:
		return "", w.enter(name)
	case !w.owns(info):
		return "", w.linkError(w.path(name), info)
	}
	return w.here().Readlink(name)
}

// look makes the directory when it is missing and may be made.
func (w *way) look(name string) (fs.FileInfo, error) {
	info, err := w.here().Lstat(name)
	if !errors.Is(err, fs.ErrNotExist) || w.mode == 0 {
		return info, err
	}
	if err := w.here().Mkdir(name, w.mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return w.here().Lstat(name)
}

// enter opens a directory. That it stands there, and no link to it, is looked at
// afterwards: to open it may be what mounts it.
func (w *way) enter(name string) error {
	path := w.path(name)
	next, err := w.here().OpenRoot(name)
	if err != nil {
		return fmt.Errorf("%s: %w", path, cause(err))
	}
	w.opened, w.names = append(w.opened, next), append(w.names, name)
	info, err1 := next.Stat(".")
	stands, err2 := w.opened[len(w.opened)-2].Lstat(name)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if !os.SameFile(info, stands) {
		return fmt.Errorf("%s: it was replaced while it was opened: see who does that", path)
	}
	if mode := info.Mode(); mode&otherWrite != 0 && mode&fs.ModeSticky == 0 {
		return fmt.Errorf("%s: mode %04o lets everybody replace what is in it: chmod o-w %s", path, mode.Perm(), path)
	}
	return nil
}

// cause is an error without the name, which is relative here and would mislead.
func cause(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	return err
}
