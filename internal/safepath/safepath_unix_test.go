//go:build unix

package safepath_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/puppet-cron/puppet-cron/internal/safepath"
)

const nobody = 65534

func asRoot() bool { return os.Geteuid() == 0 }

// tree is a directory whose way down from / is safe:
//
//	DIR/etc/conf	a file
//	DIR/link	-> etc/conf
//	DIR/way		-> DIR/etc
type tree struct {
	*testing.T
	dir string
}

func newTree(t *testing.T) tree {
	t.Helper()
	tr := tree{T: t, dir: t.TempDir()}
	tr.must(os.Chmod(tr.dir, 0o755))
	tr.must(os.Mkdir(tr.path("etc"), 0o755))
	tr.must(os.WriteFile(tr.path("etc/conf"), nil, 0o600))
	tr.must(os.Symlink("etc/conf", tr.path("link")))
	tr.must(os.Symlink(tr.path("etc"), tr.path("way")))
	return tr
}

// path does not clean, so that tests may hand out unclean paths.
func (tr tree) path(name string) string { return tr.dir + "/" + name }

func (tr tree) must(err error) {
	tr.Helper()
	if err != nil {
		tr.Fatal(err)
	}
}

func (tr tree) chmod(name string, mode uint32) {
	tr.Helper()
	tr.must(syscall.Chmod(tr.path(name), mode))
}

// chown does nothing for an ordinary user: he cannot give files away, and Check
// accepts everything of his anyhow, which is then what is tested.
func (tr tree) chown(name string, uid, gid int) {
	tr.Helper()
	if asRoot() {
		tr.must(os.Lchown(tr.path(name), uid, gid))
	}
}

func TestAccepted(t *testing.T) {
	tests := []struct {
		name  string
		path  string
		setup func(tree)
	}{
		{"a file", "etc/conf", nil},
		{"a directory", "etc", nil},
		{"through root's symlinks", "way/conf", nil},
		{"root's symlink at the end", "link", nil},
		{"an unclean path", "./etc//.././etc/./conf", nil},
		{"back out of a symlink", "way/../link", nil},
		{"group-writable for root's group", "etc/conf", func(tr tree) { tr.chown("etc/conf", 0, 0); tr.chmod("etc/conf", 0o664) }},
		{"a sticky directory on the way", "etc/conf", func(tr tree) { tr.chmod("etc", 0o1777) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := newTree(t)
			if tt.setup != nil {
				tt.setup(tr)
			}
			if err := safepath.Check(tr.path(tt.path)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRefused checks the exact message, DIR standing for the tree's directory.
func TestRefused(t *testing.T) {
	tests := []struct {
		name  string
		path  string
		setup func(tree)
		want  string
	}{
		{
			"a file of somebody else", "etc/conf",
			func(tr tree) { tr.chown("etc/conf", nobody, 0) },
			"DIR/etc/conf: owned by uid 65534, mode 0600, not by root: chown root DIR/etc/conf",
		},
		{
			"a directory of somebody else on the way", "way/conf",
			func(tr tree) { tr.chown("etc", nobody, 0) },
			"DIR/etc: owned by uid 65534, mode 0755, not by root: chown root DIR/etc",
		},
		{
			"a sticky directory of somebody else", "etc/conf",
			func(tr tree) { tr.chown("etc", nobody, 0); tr.chmod("etc", 0o1777) },
			"DIR/etc: owned by uid 65534, mode 0777, not by root: chown root DIR/etc",
		},
		{
			"somebody else's symlink at the end", "link",
			func(tr tree) { tr.chown("link", nobody, 0) },
			"DIR/link: the symlink is owned by uid 65534, not by root: chown -h root DIR/link, or give the real path",
		},
		{
			"somebody else's symlink on the way", "way/conf",
			func(tr tree) { tr.chown("way", nobody, 0) },
			"DIR/way: the symlink is owned by uid 65534, not by root: chown -h root DIR/way, or give the real path",
		},
		{
			"a world-writable file", "link",
			func(tr tree) { tr.chmod("etc/conf", 0o646) },
			"DIR/etc/conf: mode 0646 lets everybody write to it: chmod go-w DIR/etc/conf",
		},
		{
			"a world-writable directory on the way", "etc/conf",
			func(tr tree) { tr.chmod("etc", 0o777) },
			"DIR/etc: mode 0777 lets everybody write to it: chmod go-w DIR/etc",
		},
		{
			"a group-writable file", "etc/conf",
			func(tr tree) { tr.chown("etc/conf", 0, nobody); tr.chmod("etc/conf", 0o660) },
			"DIR/etc/conf: mode 0660 lets group 65534 write to it: chmod go-w DIR/etc/conf",
		},
		{
			"a sticky directory at the end", "etc",
			func(tr tree) { tr.chmod("etc", 0o1777) },
			"DIR/etc: mode 0777 lets everybody write to it: chmod go-w DIR/etc",
		},
		{
			"a sticky directory at the end, after coming back", "etc/../etc/sub/..",
			func(tr tree) { tr.must(os.Mkdir(tr.path("etc/sub"), 0o755)); tr.chmod("etc", 0o1777) },
			"DIR/etc: mode 0777 lets everybody write to it: chmod go-w DIR/etc",
		},
		{
			"a loop of symlinks", "loop",
			func(tr tree) { tr.must(os.Symlink("loop", tr.path("loop"))) },
			"DIR/loop: more than 40 symlinks on the way: give the real path",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := newTree(t)
			tt.setup(tr)
			err := safepath.Check(tr.path(tt.path))
			want := strings.ReplaceAll(tt.want, "DIR", tr.dir)
			if !asRoot() {
				want = "" // an ordinary user may trust whom he likes
			}
			if got := text(err); got != want {
				t.Errorf("got:  %s\nwant: %s", got, want)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestMissing(t *testing.T) {
	for _, name := range []string{"none", "none/conf", "etc/none", "dangling"} {
		tr := newTree(t)
		tr.must(os.Symlink("none", tr.path("dangling")))
		err := safepath.Check(tr.path(name))
		if got := errors.Is(err, fs.ErrNotExist); got != asRoot() {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestRelative(t *testing.T) {
	tr := newTree(t)
	t.Chdir(filepath.Join(tr.dir, "etc"))
	if err := safepath.Check("../link"); err != nil {
		t.Error(err)
	}
	tr.chmod("etc/conf", 0o666)
	if err := safepath.Check("conf"); (err != nil) != asRoot() {
		t.Errorf("world-writable: got %v", err)
	}
}
