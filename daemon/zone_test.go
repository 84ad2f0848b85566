package daemon

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// zone makes a file a link to a zone, as timedatectl does.
func (w *world) zone(path, name string) {
	w.Helper()
	_ = os.Remove(path)
	if err := os.Symlink("/usr/share/zoneinfo/"+name, path); err != nil {
		w.Fatal(err)
	}
}

// A time zone that is set while the service lives is in force at its next look, and
// moves what is to come: no slot that was settled comes again.
func TestZoneIsSet(t *testing.T) {
	t.Setenv("TZ", "")
	os.Unsetenv("TZ")
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.config.Schedule.Every, w.config.Schedule.Cron = 0, "0 6 * * *"
		w.config.Schedule.CatchUp = 0
		d := w.daemon()
		d.ZoneFile = filepath.Join(t.TempDir(), "localtime")
		w.zone(d.ZoneFile, "Europe/Paris")
		_, stop := w.live(d)
		time.Sleep(time.Minute)
		hour := func() int { return w.schedule().NextDue.UTC().Hour() }
		if hour() != 5 {
			t.Errorf("in Paris the run is due at %s", w.schedule().NextDue)
		}
		before := w.schedule().Ledger
		w.zone(d.ZoneFile, "Asia/Tokyo")
		time.Sleep(2 * maxWait)
		if hour() != 21 {
			t.Errorf("in Tokyo the run is due at %s", w.schedule().NextDue)
		}
		if l := w.schedule().Ledger; l.Missed != before.Missed || l.Through.Before(before.Through) {
			t.Errorf("the ledger was %+v and is %+v", before, l)
		}
		time.Sleep(72 * time.Hour)
		stop()
		if len(w.launched) != 3 {
			t.Errorf("%d runs in three days", len(w.launched))
		}
	})
}
