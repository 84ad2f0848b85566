//go:build !windows

package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestHiddenIn(t *testing.T) {
	for path, want := range map[string]string{
		"/root/puppet-cron": "/root", "/home/ann/bin/puppet-cron": "/home", "/run/user/0/x": "/run/user",
		"/tmp/x/puppet-cron": "/tmp", "/var/tmp/puppet-cron": "/var/tmp", "/etc/../root/puppet-cron.yaml": "/root",
		"/usr/bin/puppet-cron": "", "/usr/local/bin/puppet-cron": "", "/etc/puppet-cron/puppet-cron.yaml": "",
		"/rootless/puppet-cron": "", "/homes/puppet-cron": "", "/opt/home/puppet-cron": "", "/run/users": "",
	} {
		if got := hiddenIn(path, unseen); got != want {
			t.Errorf("%s is hidden in %q; want %q", path, got, want)
		}
	}
}

func TestHiddenBehindLinks(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "var", "home", "puppet-cron.yaml")
	link := filepath.Join(dir, "etc.yaml")
	home := filepath.Join(dir, "home")
	for _, err := range []error{
		os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, nil, 0o600),
		os.Symlink(filepath.Dir(file), home), os.Symlink(file, link),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{file, link, filepath.Join(home, "puppet-cron.yaml")} {
		if got := hiddenIn(path, []string{home}); got != home {
			t.Errorf("%s is hidden in %q; want %q", path, got, home)
		}
	}
}
