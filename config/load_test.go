package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/config"
)

// write makes a configuration file that root may read.
func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "puppet-cron.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	c, err := config.Load(write(t, "puppet: {nice: 7}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Puppet.Nice != 7 {
		t.Errorf("got nice %d, want 7", c.Puppet.Nice)
	}
}

func TestLoadInvalid(t *testing.T) {
	path := write(t, "\npuppet: {nise: 7}\n")
	_, err := config.Load(path)
	if want := path + ":2: puppet.nise: unknown key: did you mean puppet.nice?"; fmt.Sprint(err) != want {
		t.Errorf("got:  %v\nwant: %s", err, want)
	}
}

func TestLoadMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.yaml")
	_, err := config.Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	if strings.Count(fmt.Sprint(err), path) != 1 {
		t.Errorf("got %v, want it to name %s, once", err, path)
	}
}

func TestLoadDirectory(t *testing.T) {
	dir := filepath.Dir(write(t, ""))
	if _, err := config.Load(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want an error that names %s", err, dir)
	}
}
