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
	path, err := absolute(path)
	if err != nil {
		return err
	}
	return walk(path)
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
func walk(path string) error {
	here, links := "/", 0
	if err := checkWay(here); err != nil {
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
		target, err := checkLink(next)
		if err != nil {
			return err
		}
		if target == "" {
			if err := checkWay(next); err != nil {
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
	return checkEnd(here)
}

// components splits a path, without the parts that lead nowhere.
func components(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(name string) bool {
		return name == "" || name == "."
	})
}

// checkLink returns the target of the symlink at path, or "" when path is none.
func checkLink(path string) (target string, err error) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSymlink {
		return "", err
	}
	if uid := owner(info); uid != 0 {
		return "", fmt.Errorf("%s: the symlink is owned by uid %d, not by root: chown -h root %s, or give the real path", path, uid, path)
	}
	return os.Readlink(path)
}

// checkWay checks what is passed through on the way.
func checkWay(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.IsDir() && info.Mode()&fs.ModeSticky != 0 {
		return checkOwner(path, info)
	}
	return checkObject(path, info)
}

// checkEnd checks where the path ends. Here the sticky bit is no excuse:
// everybody may still add files to a sticky directory.
func checkEnd(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	return checkObject(path, info)
}

func checkObject(path string, info fs.FileInfo) error {
	if err := checkOwner(path, info); err != nil {
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

func checkOwner(path string, info fs.FileInfo) error {
	if uid := owner(info); uid != 0 {
		return fmt.Errorf("%s: owned by uid %d, mode %04o, not by root: chown root %s", path, uid, info.Mode().Perm(), path)
	}
	return nil
}

func owner(info fs.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Uid }

func group(info fs.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Gid }
