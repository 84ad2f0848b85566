// Package safepath tells whether a file may be trusted by a program that runs as
// root: nobody but root can change it, replace it, or lead the way to another.
package safepath

import "os"

// Check refuses path when somebody other than root could decide what is found
// there. Every directory on the way, every symlink and the object itself must
// belong to root. Directories and the object must not be writable by a group
// (root's own excepted) or by everybody; a directory on the way may be when it
// is sticky, as /tmp is: there nobody can rename what root owns.
//
// What Check has accepted only root can change, so there is no race between
// Check and the open that follows it.
//
// A path that leads nowhere is an error that wraps fs.ErrNotExist.
//
// Check applies to root only and returns nil for others: an unprivileged user
// who trusts a file of somebody else endangers nobody but himself.
func Check(path string) error { return check(path) }

// CheckOwn holds every user to the rules of Check: what an ordinary user trusts must
// be his own or root's. It is for what is executed without anybody looking on.
func CheckOwn(path string) error { return checkOwn(path) }

// OpenDir opens a directory to work in by handle. Directories on the way to it and the
// last may belong to anybody, but a symlink is followed only when it is root's, and a
// directory in which everybody may replace what root owns is refused. What is done by
// the handle is done in that directory, whatever becomes of its name.
//
// It is so for root only, as with Check.
func OpenDir(path string) (*os.Root, error) { return openDir(path, 0) }

// MakeDir is OpenDir and makes what is missing of the path.
func MakeDir(path string) (*os.Root, error) { return openDir(path, 0o755) }
