package config_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/splay"
)

// TestSpec checks that what the file says is what the scheduler does.
func TestSpec(t *testing.T) {
	slot := 0.5
	id := splay.Identity{Certname: "web01.example.com", Slot: &slot, StandIn: "web01"}
	for _, tt := range []struct {
		text string
		id   splay.Identity
		want string
	}{
		{"", id, "2026-11-23T04:17:58Z 17m58.109340628s true"},
		{"", splay.Identity{StandIn: "web01.example.com"}, "2026-11-23T04:17:58Z 17m58.109340628s false"},
		{"schedule: {splay: {mode: none}}", id, "2026-11-23T04:30:00Z 0s true"},
		{"schedule: {splay: {mode: slot}}", id, "2026-11-23T04:15:00Z 15m0s true"},
		{"schedule: {splay: {mode: slot, window: 10m}}", id, "2026-11-23T04:05:00Z 5m0s true"},
		{"schedule: {every: 24h, splay: {mode: slot}}", id, "2026-11-23T12:00:00Z 12h0m0s true"},
		{"schedule: {cron: '0 6 * * *', timezone: Europe/Paris, splay: {mode: slot}}", id, "2026-11-23T05:02:30Z 2m30s true"},
	} {
		c, err := parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Schedule.Spec(tt.id)
		if err != nil {
			t.Fatal(err)
		}
		offset, known := s.Offset()
		next := s.Next(time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)).Format(time.RFC3339)
		if got := fmt.Sprint(next, " ", offset, " ", known); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.text, got, tt.want)
		}
	}
}
