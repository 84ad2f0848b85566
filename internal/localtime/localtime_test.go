package localtime_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/localtime"
)

const zones = "/usr/share/zoneinfo/"

// unset takes TZ out of the environment for the time of a test.
func unset(t *testing.T) {
	t.Setenv("TZ", "")
	os.Unsetenv("TZ")
}

// link makes the zone's file a link to another zone, as timedatectl does.
func link(t *testing.T, zone, path string) {
	t.Helper()
	must(t, os.Symlink(zones+zone, path+".new"))
	must(t, os.Rename(path+".new", path))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestRead(t *testing.T) {
	unset(t)
	path := filepath.Join(t.TempDir(), "localtime")
	link(t, "Europe/Paris", path)
	paris := localtime.Read(path)
	if got := paris.Location.String() + noon.In(paris.Location).Format(" 15:04"); got != "Europe/Paris 13:00" || paris.Changed() {
		t.Errorf("%s, changed %v", got, paris.Changed())
	}
	link(t, "Asia/Tokyo", path)
	if !paris.Changed() {
		t.Error("another link is no change")
	}
	tokyo := localtime.Read(path)
	if tokyo.Mark == paris.Mark || noon.In(tokyo.Location).Hour() != 21 {
		t.Errorf("%s", tokyo.Location)
	}
	data, err := os.ReadFile(zones + "Europe/Paris")
	must(t, err)
	must(t, os.Remove(path))
	if !tokyo.Changed() {
		t.Error("a file that is gone is no change")
	}
	must(t, os.WriteFile(path, data, 0o644))
	copied := localtime.Read(path)
	if copied.Location.String() != "Local" || noon.In(copied.Location).Hour() != 13 {
		t.Errorf("a copy: %s", copied.Location)
	}
}

// Where the file says nothing, the zone is the one of the process.
func TestNoZone(t *testing.T) {
	unset(t)
	path := filepath.Join(t.TempDir(), "localtime")
	none := localtime.Read(path)
	if none.Location != time.Local || none.Changed() {
		t.Errorf("no file: %s, changed %v", none.Location, none.Changed())
	}
	must(t, os.WriteFile(path, []byte("no zone"), 0o644))
	if !none.Changed() || localtime.Read(path).Location != time.Local {
		t.Error("a file that is no zone")
	}
	must(t, os.Remove(path))
	must(t, os.Mkdir(path, 0o755))
	if localtime.Read(path).Location != time.Local {
		t.Error("a directory")
	}
	t.Setenv("TZ", "Europe/Paris")
	if z := localtime.Read(path); z.Location != time.Local || z.Changed() {
		t.Error("TZ does not come first")
	}
}
