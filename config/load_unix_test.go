//go:build unix

package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/puppet-cron/puppet-cron/config"
)

func TestLoadFIFO(t *testing.T) {
	path := filepath.Join(filepath.Dir(write(t, "")), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(path) // must not wait for a writer
	if want := "configuration file " + path + ": is not a regular file (mode prw-------): give the path of a file"; fmt.Sprint(err) != want {
		t.Errorf("got:  %v\nwant: %s", err, want)
	}
}

// An ordinary user may load what root must not trust, and must not read what is
// not his; root may read everything.
func TestLoadUntrusted(t *testing.T) {
	const nobody = 65534
	root := os.Geteuid() == 0

	t.Run("world-writable", func(t *testing.T) {
		path := write(t, "")
		if err := os.Chmod(path, 0o666); err != nil {
			t.Fatal(err)
		}
		want := ""
		if root {
			want = "configuration file PATH: PATH: mode 0666 lets everybody write to it: chmod go-w PATH"
		}
		checkLoad(t, path, want)
	})
	t.Run("somebody else's symlink", func(t *testing.T) {
		path := filepath.Join(filepath.Dir(write(t, "")), "link")
		if err := os.Symlink("puppet-cron.yaml", path); err != nil {
			t.Fatal(err)
		}
		want := ""
		if root {
			if err := os.Lchown(path, nobody, nobody); err != nil {
				t.Fatal(err)
			}
			want = "configuration file PATH: PATH: the symlink is owned by uid 65534, not by root: chown -h root PATH, or give the real path"
		}
		checkLoad(t, path, want)
	})
	t.Run("unreadable", func(t *testing.T) {
		path := write(t, "")
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		want := ""
		if !root {
			want = "configuration file PATH: permission denied: run this as root, or make the file readable: chmod a+r PATH"
		}
		checkLoad(t, path, want)
	})
}

// checkLoad checks the exact message, PATH standing for path; "" is no error.
func checkLoad(t *testing.T, path, want string) {
	t.Helper()
	got := ""
	if _, err := config.Load(path); err != nil {
		got = err.Error()
	}
	if want = strings.ReplaceAll(want, "PATH", path); got != want {
		t.Errorf("got:  %s\nwant: %s", got, want)
	}
}
