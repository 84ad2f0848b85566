package main

import (
	"strings"
	"testing"
	"time"
)

func TestParseLength(t *testing.T) {
	for s, want := range map[string]string{
		"4h": "4h0m0s", "90m": "1h30m0s", "4d": "96h0m0s", "1d12h": "36h0m0s", "36500d": "876000h0m0s",
		"0d": "!0d is not longer than nothing", "-1h": "!-1h is not longer than nothing", "36501d": "!longer than 100 years",
		"36500d1s": "!longer than 100 years", "65535d2000000h": "!longer than 100 years", "2000000h": "!longer than 100 years",
		"-1d": "!is not a duration; write it as 4h, 4d or 1d12h", "99999999d": "!is not a duration", "d": "!is not a duration",
		"": "!is not a duration", "4": "!is not a duration", "1d2d": "!is not a duration", "tomorrow": "!is not a duration",
	} {
		got, err := parseLength(s)
		refused, bad := strings.CutPrefix(want, "!")
		switch {
		case bad && (err == nil || !strings.Contains(err.Error(), refused)):
			t.Errorf("%q: %v, %v; want …%s…", s, got, err, refused)
		case !bad && (err != nil || got.String() != want):
			t.Errorf("%q gives %v, %v; want %s", s, got, err, want)
		}
	}
}

func TestParseUntil(t *testing.T) {
	now := time.Date(2026, 11, 23, 17, 0, 0, 0, time.Local)
	for s, want := range map[string]string{
		"18:00":                     "2026-11-23 18:00",
		"17:01":                     "2026-11-23 17:01",
		"17:00":                     "2026-11-24 17:00",
		"9:30":                      "2026-11-24 09:30",
		"2026-11-30":                "2026-11-30 00:00",
		"9999-12-31T23:59:59-01:00": "!beyond the year 9999; leave --until out",
		"2026-11-23 16:59":          "!is past, it is ",
		"24:00":                     "!is not a time",
		"tomorrow":                  `!"tomorrow" is not a time; write it as 2026-11-23T12:00:00+01:00, or 18:00`,
	} {
		got, err := parseUntil(s, now)
		refused, bad := strings.CutPrefix(want, "!")
		switch {
		case bad && (err == nil || !strings.Contains(err.Error(), refused)):
			t.Errorf("%q: %v, %v; want …%s…", s, got, err, refused)
		case !bad && (err != nil || got.Local().Format("2006-01-02 15:04") != want):
			t.Errorf("%q gives %v, %v; want %s", s, got, err, want)
		}
	}
}
