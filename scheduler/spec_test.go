package scheduler_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
)

func TestBadRules(t *testing.T) {
	cron := func(expr string) scheduler.Rule { return scheduler.Rule{Cron: expr, Location: time.UTC} }
	window := func(r scheduler.Rule, w time.Duration) scheduler.Rule { r.Window = w; return r }
	every := scheduler.Rule{Every: time.Hour}
	for want, rule := range map[string]scheduler.Rule{
		"every: must be 1s or more, not 0s":                                            {},
		"every: must be 1s or more, not 999ms":                                         {Every: 999 * time.Millisecond},
		"every: must be 1s or more, not -1h0m0s":                                       {Every: -time.Hour},
		"cron: cannot stand beside every: remove one of them":                          {Every: time.Hour, Cron: "@daily"},
		"timezone: cron needs one":                                                     {Cron: "@daily"},
		"catch_up: must be 0s or more, not -1s":                                        {Every: time.Hour, CatchUp: -time.Second},
		"splay: a fraction must be from 0 up to 1, not 1":                              {Every: time.Hour, Share: splay.Share{Fraction: 1}},
		"splay: a fraction must be from 0 up to 1, not NaN":                            {Every: time.Hour, Share: splay.Share{Fraction: math.NaN()}},
		"splay.window: must be above 0s, not -1s":                                      window(every, -time.Second),
		"splay.window: must be at most 1h0m0s, the time between two slots, not 1h0m1s": window(every, time.Hour+time.Second),
		"splay.window: must be at most 10m0s, the time between two slots, not 11m0s":   window(cron("*/10 * * * *"), 11*time.Minute),
		"splay.window: must be at most 1h0m0s, the time between two slots, not 2h0m0s": window(cron("0 0,23 * * *"), 2*time.Hour),
		"cron: cannot hold TZ=: set timezone instead":                                  cron("TZ=UTC"),
		"cron: cannot be @every: set every instead":                                    cron(" @every 5m"),
		`cron: "0 0 30 2 *" never comes: there is no such day`:                         cron("0 0 30 2 *"),
		`cron: "0 0 31 4,6,9,11 *" never comes: there is no such day`:                  cron("0 0 31 4,6,9,11 *"),
		"cron: cannot have a range that begins with *":                                 cron("*-5 * * * *"),
		"cron: has an empty entry in a list":                                           cron(", * * * *"),
		"cron: is longer than 256 characters":                                          cron(strings.Repeat("0", 257)),
		"cron: must be made of letters, digits and * ? / , - @":                        cron("0 0 * * *\x1b[31m"),
		`cron: must be a cron expression such as "*/20 6-20 * * MON-FRI", not "0 0 * *": expected exactly 5 fields, found 4: [0 0 * *]`:      cron("0 0 * *"),
		`cron: must be a cron expression such as "*/20 6-20 * * MON-FRI", not "60 * * * *": end of range (60) above maximum (59): 60`:        cron("60 * * * *"),
		`cron: must be a cron expression such as "*/20 6-20 * * MON-FRI", not "@reboot": unrecognized descriptor: @reboot`:                   cron("@reboot"),
		`cron: must be a cron expression such as "*/20 6-20 * * MON-FRI", not "": empty spec string`:                                         cron(" "),
		`cron: must be a cron expression such as "*/20 6-20 * * MON-FRI", not "*/0 * * * *": step of range should be a positive number: */0`: cron("*/0 * * * *"),
	} {
		start := time.Now()
		_, err := scheduler.New(rule)
		if _, ok := errors.AsType[*scheduler.Error](err); !ok || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s: took %v", want, d)
		}
	}
	for _, expr := range []string{"TZ=Nowhere 0 * * * *", "CRON_TZ=UTC", "TZ=", "@every", "1,,2 * * * *", "0 0 * * 1,", "*/5-7 * * * *x"} {
		if err := scheduler.CheckCron(expr); err == nil {
			t.Errorf("%q was accepted", expr)
		}
	}
}

func TestDefaultWindow(t *testing.T) {
	for _, tt := range []struct {
		rule         scheduler.Rule
		gap, longest time.Duration
	}{
		{scheduler.Rule{Every: 30 * time.Minute}, 30 * time.Minute, 30 * time.Minute},
		{scheduler.Rule{Cron: "* * * * *"}, time.Minute, time.Minute},
		{scheduler.Rule{Cron: "0 3 * * *"}, 24 * time.Hour, 5 * time.Minute},
		{scheduler.Rule{Cron: "50,55 23 * * *"}, 5 * time.Minute, 5 * time.Minute},
		{scheduler.Rule{Cron: "59,0 0,23 1,15 * *"}, 59 * time.Minute, 5 * time.Minute},
		{scheduler.Rule{Cron: "59 0,23 1,2 6 *"}, time.Hour, 5 * time.Minute},
		{scheduler.Rule{Cron: "@monthly"}, 28 * 24 * time.Hour, 5 * time.Minute},
		{scheduler.Rule{Cron: "0 0 29 2 *"}, 1461 * 24 * time.Hour, 5 * time.Minute},
	} {
		tt.rule.Location = time.UTC
		tt.rule.Share.Fraction = math.Nextafter(1, 0)
		s := spec(t, tt.rule)
		if offset, _ := s.Offset(); s.Interval() != tt.gap || offset != tt.longest-1 {
			t.Errorf("%+v: interval %v and offset %v, want %v and almost %v", tt.rule, s.Interval(), offset, tt.gap, tt.longest)
		}
	}
}

func TestOffsetIsPublishedWhenItIsKnown(t *testing.T) {
	for _, tt := range []struct {
		source splay.Source
		mode   splay.Mode
		want   string
	}{
		{splay.FromHash, splay.Hash, "15m0s true"},
		{splay.FromSlot, splay.Slot, "15m0s true"},
		{splay.FromStandIn, splay.Hash, "15m0s false"},
		{splay.FromStandIn, splay.None, "0s true"},
	} {
		s := spec(t, scheduler.Rule{Every: 30 * time.Minute, Mode: tt.mode, Share: splay.Share{Fraction: 0.5, Source: tt.source}})
		offset, known := s.Offset()
		if got := fmt.Sprint(offset, " ", known); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt, got, tt.want)
		}
	}
}

func TestUpcoming(t *testing.T) {
	share := splay.Share{Fraction: 0.25, Source: splay.FromHash}
	from := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		rule scheduler.Rule
		want []string
	}{
		{scheduler.Rule{Every: 30 * time.Minute, Share: share}, []string{
			"2026-11-23T04:07:30Z every 30m0s + 7m30s of 30m0s (hash)",
			"2026-11-23T04:37:30Z every 30m0s + 7m30s of 30m0s (hash)",
		}},
		{scheduler.Rule{Every: time.Hour, Mode: splay.None}, []string{"2026-11-23T05:00:00Z every 1h0m0s"}},
		{scheduler.Rule{Cron: "0 6 * * *", Location: zone(t, "Europe/Paris"), Share: share}, []string{
			"2026-11-23T05:01:15Z cron 06:00 Europe/Paris + 1m15s of 5m0s (hash)",
		}},
	} {
		var got []string
		for _, slot := range spec(t, tt.rule).Upcoming(from, len(tt.want)) {
			got = append(got, slot.Due.Format(time.RFC3339)+" "+slot.Why)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}
