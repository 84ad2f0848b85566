package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// longest bounds how long somebody says that he holds a node.
const longest = 100 * 365 * 24 * time.Hour

// parseLength takes a duration such as 4h, and days, of 24 hours: 4d, 1d12h.
func parseLength(s string) (time.Duration, error) {
	mistake := fmt.Errorf("%q is not a duration; write it as 4h, 4d or 1d12h", s)
	var whole, part time.Duration
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		rest = s
	} else if n, err := strconv.ParseUint(days, 10, 16); err != nil {
		return 0, mistake
	} else {
		whole = time.Duration(n) * 24 * time.Hour
	}
	if !ok || rest != "" {
		var err error
		if part, err = time.ParseDuration(rest); err != nil {
			return 0, mistake
		}
	}
	switch {
	case whole > longest || part > longest-whole:
		return 0, fmt.Errorf("%s is longer than 100 years; leave --for out for a hold without an end", s)
	case whole+part <= 0:
		return 0, fmt.Errorf("%s is not longer than nothing; give a duration such as 4h", s)
	}
	return whole + part, nil
}

// parseUntil takes a time, or a time of day: the next such.
func parseUntil(s string, now time.Time) (time.Time, error) {
	end, err := timeOfDay(s, now)
	if err != nil {
		end, err = parseTime(s)
	}
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("%w, or 18:00", err)
	case end.UTC().Year() > 9999: // which no JSON of a time can say
		return time.Time{}, fmt.Errorf("%s is beyond the year 9999; leave --until out for a hold without an end", s)
	case !end.After(now):
		return time.Time{}, fmt.Errorf("%s is past, it is %s now", moment(end), moment(now))
	}
	return end.UTC(), nil
}

func timeOfDay(s string, now time.Time) (time.Time, error) {
	clock, err := time.Parse("15:04", s)
	if err != nil {
		return time.Time{}, err
	}
	year, month, day := now.Local().Date()
	at := time.Date(year, month, day, clock.Hour(), clock.Minute(), 0, 0, time.Local)
	if !at.After(now) {
		at = time.Date(year, month, day+1, clock.Hour(), clock.Minute(), 0, 0, time.Local)
	}
	return at, nil
}
