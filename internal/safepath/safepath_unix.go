//go:build unix

package safepath

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// maxSymlinks is the limit of the Linux kernel.
const maxSymlinks = 40

const (
	groupWrite fs.FileMode = 0o020
	otherWrite fs.FileMode = 0o002
)

func check(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return checkOwn(path)
}

func checkOwn(path string) error {
	path, err := absolute(path)
	if err != nil {
		return err
	}
	return trusted(os.Geteuid()).walk(path)
}

// trusted is the user who may own what is trusted, beside root.
type trusted uint32

func (t trusted) owns(info fs.FileInfo) bool { return owner(info) == 0 || owner(info) == uint32(t) }

func (t trusted) String() string {
	if t == 0 {
		return "root"
	}
	return fmt.Sprintf("root or uid %d", uint32(t))
}

// absolute differs from filepath.Abs in that it does not clean: behind a
// symlink, "link/.." is not the directory that holds the link.
func absolute(path string) (string, error) {
	if filepath.IsAbs(path) {
		return path, nil
	}
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return wd + "/" + path, nil
}

// walk follows path as the kernel does, one component at a time.
func (t trusted) walk(path string) error {
	here, links := "/", 0
	if err := t.checkWay(here); err != nil {
		return err
	}
	for todo := components(path); len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		if name == ".." {
			here = filepath.Dir(here)
			continue
		}
		next := filepath.Join(here, name)
		target, err := t.checkLink(next)
		if err != nil {
			return err
		}
		if target == "" {
			if err := t.checkWay(next); err != nil {
				return err
			}
			here = next
			continue
		}
		if links++; links > maxSymlinks {
			return fmt.Errorf("%s: more than %d symlinks on the way: give the real path", path, maxSymlinks)
		}
		if filepath.IsAbs(target) {
			here = "/"
		}
		todo = append(components(target), todo...)
	}
	return t.checkEnd(here)
}

// components splits a path, without the parts that lead nowhere.
func components(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(name string) bool {
		return name == "" || name == "."
	})
}

// checkLink returns the target of the symlink at path, or "" when path is none.
func (t trusted) checkLink(path string) (target string, err error) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSymlink {
		return "", err
	}
	if !t.owns(info) {
		return "", t.linkError(path, info)
	}
	return os.Readlink(path)
}

func (t trusted) linkError(path string, info fs.FileInfo) error {
	return fmt.Errorf("%s: the symlink is owned by uid %d, not by %s: chown -h root %s, or give the real path", path, owner(info), t, path)
}

// checkWay checks what is passed through on the way.
func (t trusted) checkWay(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.IsDir() && info.Mode()&fs.ModeSticky != 0 {
		return t.checkOwner(path, info)
	}
	return t.checkObject(path, info)
}

// checkEnd checks where the path ends. Here the sticky bit is no excuse:
// everybody may still add files to a sticky directory.
func (t trusted) checkEnd(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	return t.checkObject(path, info)
}

func (t trusted) checkObject(path string, info fs.FileInfo) error {
	if err := t.checkOwner(path, info); err != nil {
		return err
	}
	mode := info.Mode().Perm()
	switch {
	case mode&otherWrite != 0:
		return fmt.Errorf("%s: mode %04o lets everybody write to it: chmod go-w %s", path, mode, path)
	case mode&groupWrite != 0 && group(info) != 0:
		return fmt.Errorf("%s: mode %04o lets group %d write to it: chmod go-w %s", path, mode, group(info), path)
	}
	return nil
}

func (t trusted) checkOwner(path string, info fs.FileInfo) error {
	if !t.owns(info) {
		return fmt.Errorf("%s: owned by uid %d, mode %04o, not by %s: chown root %s", path, owner(info), info.Mode().Perm(), t, path)
	}
	return nil
}

func owner(info fs.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Uid }

func group(info fs.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Gid }
