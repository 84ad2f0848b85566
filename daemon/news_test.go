package daemon

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/puppet-cron/puppet-cron/config"
)

// serveTelling serves for so long and counts what Changed is told.
func (w *world) serveTelling(d time.Duration, answer error) (told int) {
	w.Helper()
	s := w.daemon()
	s.Changed = func(*config.Config) error { told++; return answer }
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	if err := s.Serve(ctx, nil); err != nil {
		w.Fatal(err)
	}
	return told
}

// Changed hears of a start, and of each run, and of nothing while nothing happens.
func TestNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve(time.Hour)
		before := len(w.launched)
		told := w.serveTelling(10*time.Hour, nil)
		if runs := len(w.launched) - before; runs != 20 || told < runs || told > 2*runs+2 {
			t.Errorf("told %d times of %d runs", told, runs)
		}
	})
}

// News that cannot be told are the service's trouble, and end neither it nor its runs;
// nor are they tried again and again.
func TestNewsCannotBeTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		told := w.serveTelling(10*time.Hour, errors.New("no such directory"))
		if runs := len(w.launched); runs < 20 || told > 2*runs+2 {
			t.Errorf("told %d times of %d runs", told, runs)
		}
		if s := w.schedule(); !strings.Contains(s.LastError, "no such directory") {
			t.Errorf("last trouble is %q", s.LastError)
		}
	})
}
