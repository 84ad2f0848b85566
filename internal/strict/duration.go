package strict

import (
	"fmt"
	"strings"
	"time"
)

// MaxDuration bounds every duration. Nobody means a longer one, and with it sums of
// times and the files that they travel in need no bounds of their own.
const MaxDuration = 365 * 24 * time.Hour

// Duration is a time.Duration above 0.
func Duration(dst *time.Duration) Value { return duration{dst} }

type duration struct{ dst *time.Duration }

func (v duration) Set(s string) (err error) {
	*v.dst, err = ParseDuration(s, "")
	return err
}

// ParseDuration reads a duration above 0 and of a year at most. What may stand instead is
// said in or, as part of the errors.
func ParseDuration(s, or string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	switch {
	case err == nil && d > MaxDuration:
		return 0, MustBe("at most "+ShortDuration(MaxDuration)+", a year"+or, s)
	case err == nil && d > 0:
		return d, nil
	case err == nil:
		return 0, MustBe("a duration above 0, such as 30m"+or, s)
	case IsNumber(s):
		return 0, fmt.Errorf("%s has no unit: write %ss, %sm or %sh", s, s, s, s)
	default:
		return 0, MustBe("a duration such as 90s, 30m or 1h30m"+or, s)
	}
}

func (v duration) Show() any { return ShortDuration(*v.dst) }

// Pause is a duration that may be 0s.
func Pause(dst *time.Duration) Value { return pause{dst} }

type pause struct{ dst *time.Duration }

func (v pause) Set(s string) (err error) {
	if d, err := time.ParseDuration(s); err == nil && d == 0 {
		*v.dst = 0
		return nil
	}
	*v.dst, err = ParseDuration(s, ", or 0s")
	return err
}

func (v pause) Show() any { return ShortDuration(*v.dst) }

// ShortDuration leaves out the zeroes that Duration.String adds: 10m0s is 10m.
func ShortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// AutoDuration is a duration or auto, which is 0.
func AutoDuration(dst *time.Duration) Value { return autoDuration{dst} }

type autoDuration struct{ dst *time.Duration }

func (v autoDuration) Set(s string) (err error) {
	if s == "auto" {
		*v.dst = 0
		return nil
	}
	*v.dst, err = ParseDuration(s, ", or auto")
	return err
}

func (v autoDuration) Show() any {
	if *v.dst == 0 {
		return "auto"
	}
	return ShortDuration(*v.dst)
}
