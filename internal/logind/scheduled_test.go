package logind

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestScheduled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scheduled")
	if at := scheduledIn(path); !at.IsZero() {
		t.Errorf("without a file: %v", at)
	}
	for text, want := range map[string]int64{
		"USEC=1795395999000000\nWARN_WALL=1\nMODE=reboot\nUID=0\n": 1795395999,
		"MODE=poweroff\nUSEC=1\n":                                  0,
		"USEC=tomorrow\n":                                          -1,
		"":                                                         -1,
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		at := scheduledIn(path)
		if at.IsZero() != (want < 0) || want >= 0 && at.Truncate(time.Second).Unix() != want {
			t.Errorf("%q: %v", text, at)
		}
	}
}
