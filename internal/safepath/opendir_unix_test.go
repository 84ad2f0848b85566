//go:build unix

package safepath_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/internal/safepath"
)

// Wherever the kernel leads, OpenDir leads as well, and MakeDir makes no more than is missing.
func TestOpenDir(t *testing.T) {
	tr := newTree(t)
	tr.must(os.MkdirAll(tr.path("etc/a/b"), 0o755))
	tr.must(os.Symlink("../../../way/a", tr.path("etc/a/b/up")))
	for _, name := range []string{"etc", "way", "way/../etc/./a/", "etc/a/b/up/b", "way/a/b/../../../etc", "../../../../../../.."} {
		dir, err := safepath.OpenDir(tr.path(name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, err1 := os.Stat(tr.path(name))
		got, err2 := dir.Stat(".")
		if err1 != nil || err2 != nil || !os.SameFile(want, got) {
			t.Errorf("%s leads elsewhere: %v, %v", name, err1, err2)
		}
		tr.must(dir.Close())
	}
	for name, want := range map[string]string{"absent/a": "absent: no such file", "link": "conf: not a directory"} {
		if _, err := safepath.OpenDir(tr.path(name)); asRoot() && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v; want …%s…", name, err, want)
		}
	}
	dir, err := safepath.MakeDir(tr.path("way/new/er"))
	tr.must(err)
	tr.must(dir.Mkdir("est", 0o755))
	if fi, err := os.Stat(tr.path("etc/new/er/est")); err != nil || !fi.IsDir() {
		t.Error(err)
	}
}

func TestOpenDirIsLedByNobody(t *testing.T) {
	if !asRoot() {
		return // an ordinary user endangers nobody but himself
	}
	tr := newTree(t)
	tr.must(os.Symlink("loop", tr.path("loop")))
	tr.chown("way", nobody, nobody)
	tr.must(os.Mkdir(tr.path("shared"), 0o755))
	tr.must(os.Mkdir(tr.path("shared/ours"), 0o755))
	for _, c := range []struct {
		name, want string
		mode       uint32
	}{
		{"way", "the symlink is owned by uid 65534, not by root: chown -h root " + tr.path("way"), 0o755},
		{"loop", "more than 40 symlinks", 0o755},
		{"shared/ours", "shared: mode 0777 lets everybody replace what is in it: chmod o-w " + tr.path("shared"), 0o777},
		{"shared/ours", "", 0o1777},
		{"shared/ours", "", 0o775},
	} {
		tr.chmod("shared", c.mode)
		dir, err := safepath.OpenDir(tr.path(c.name))
		if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s, mode %o: %v; want %q", c.name, c.mode, err, c.want)
		}
		if err == nil {
			if dir.Name() != filepath.Clean(tr.path(c.name)) {
				t.Errorf("it calls itself %s", dir.Name())
			}
			tr.must(dir.Close())
		}
	}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil && len(open) > 20 {
		t.Errorf("%d files are left open", len(open))
	}
}
