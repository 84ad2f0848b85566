package strict

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// unit is a unit of sizes.
type unit struct {
	name  string
	bytes int64
}

// units returns the units that a size may have, the largest first. KB and MB are
// not among them: nobody knows whether they are meant to be 1000 or 1024.
func units() []unit {
	return []unit{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}
}

// Size is an amount of bytes, written with a unit.
func Size(dst *int64, least, most int64) Value { return size{dst, least, most} }

type size struct {
	dst      *int64
	min, max int64
}

func (v size) Set(s string) error {
	if IsNumber(s) {
		return fmt.Errorf("%s has no unit: write %sKiB, %sMiB or %sGiB", s, s, s, s)
	}
	n, ok := parseSize(s)
	switch {
	case !ok:
		return MustBe("a size such as 200MiB (whole KiB, MiB or GiB)", s)
	case n < v.min:
		return MustBe(showSize(v.min)+" or more", s)
	case n > v.max:
		return MustBe("at most "+showSize(v.max), s)
	}
	*v.dst = n
	return nil
}

func (v size) Show() any { return showSize(*v.dst) }

func parseSize(s string) (n int64, ok bool) {
	for _, u := range units() {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil || n > uint64(math.MaxInt64/u.bytes) {
			return 0, false
		}
		return int64(n) * u.bytes, true
	}
	return 0, false
}

// showSize uses the largest unit that leaves no remainder.
func showSize(n int64) string {
	for _, u := range units() {
		if n%u.bytes == 0 && n >= u.bytes {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "KiB" // 0: all others are whole units
}
