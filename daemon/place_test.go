package daemon

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/puppet-cron/puppet-cron/splay"
	"github.com/puppet-cron/puppet-cron/state"
)

func (w *world) giveSlot(f float64) {
	w.Helper()
	if err := w.dir.SetReporting(state.Reporting{Slot: &f}); err != nil {
		w.Fatal(err)
	}
}

// A node in mode slot has its certname's place until the collector gives it one, which it
// keeps whatever becomes of the file, and over restarts.
func TestSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.config.Schedule.Splay.Mode = splay.Slot
		_, stop := w.live(w.daemon())
		time.Sleep(time.Hour)
		hash := splay.Offset(splay.Fraction("web01.example.com"), w.config.Schedule.Every).Seconds()
		if s := w.schedule(); *s.OffsetS != hash || s.OffsetFrom != splay.FromHash {
			t.Errorf("without a slot: %g from %s", *s.OffsetS, s.OffsetFrom)
		}
		w.giveSlot(0.25)
		time.Sleep(time.Minute)
		w.wantSlot("given one", 450)
		if err := os.WriteFile(w.dir.File("reporter.json"), []byte("{half"), 0o644); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		w.wantSlot("its file corrupt", 450)
		w.giveSlot(0.5)
		time.Sleep(2 * time.Hour)
		w.wantSlot("given another", 900)
		stop()
		w.serve(2 * time.Hour)
		w.wantSlot("after a restart", 900)
		for i, l := range w.launched[1:] {
			if gap := l.at.Sub(w.launched[i].at); gap > 45*time.Minute+time.Second {
				t.Errorf("%s without a run, until %s", gap, l.at)
			}
			if l.request.Schedule.MissedSlots != 0 {
				t.Errorf("%d slots are told of as missed", l.request.Schedule.MissedSlots)
			}
		}
	})
}

func (w *world) wantSlot(when string, offset float64) {
	w.Helper()
	s := w.schedule()
	if *s.OffsetS != offset || s.OffsetFrom != splay.FromSlot || s.LastError != "" {
		w.Errorf("%s: %g from %s, error %q; want %g", when, *s.OffsetS, s.OffsetFrom, s.LastError, offset)
	}
}

// A slot is nothing to a node that goes by its certname.
func TestSlotIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.giveSlot(0.25)
		w.serve(time.Hour)
		if s := w.schedule(); s.OffsetFrom != splay.FromHash {
			t.Errorf("%g from %s", *s.OffsetS, s.OffsetFrom)
		}
	})
}
