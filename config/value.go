package config

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// value is one scalar of the file, bound to its place in a Config. Its errors
// say what would have been right.
type value interface {
	set(text string) error
	show() any // what YAML is to write
}

// text is a string that passes a check.
type text struct {
	dst   *string
	check func(string) error
}

func (v text) set(s string) error {
	if err := v.check(s); err != nil {
		return err
	}
	*v.dst = s
	return nil
}

func (v text) show() any { return *v.dst }

// items is a list of strings, each of which passes a check.
type items struct {
	dst   *[]string
	check func(string) error
}

func (v items) set(s string) error {
	if err := v.check(s); err != nil {
		return err
	}
	*v.dst = append(*v.dst, s)
	return nil
}

func (v items) show() any { return *v.dst }

// choice is one of a few words.
type choice[T ~string] struct {
	dst *T
	of  []T
}

func (v choice[T]) set(s string) error {
	if !slices.Contains(v.of, T(s)) {
		return mustBe(oneOf(v.of), s)
	}
	*v.dst = T(s)
	return nil
}

func (v choice[T]) show() any { return string(*v.dst) }

// oneOf makes "a, b or c".
func oneOf[T ~string](words []T) string {
	var list strings.Builder
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			list.WriteString(" or ")
		default:
			list.WriteString(", ")
		}
		list.WriteString(string(w))
	}
	return list.String()
}

// toggle is a Switch.
type toggle struct{ dst *Switch }

func (v toggle) set(s string) error {
	return choice[Switch]{v.dst, []Switch{Auto, On, Off}}.set(s)
}

func (v toggle) show() any {
	if *v.dst == Auto {
		return string(Auto)
	}
	return *v.dst == On
}

// boolean is true or false; YAML 1.1's yes and on are refused.
type boolean struct{ dst *bool }

func (v boolean) set(s string) error {
	if s != "true" && s != "false" {
		return mustBe("true or false", s)
	}
	*v.dst = s == "true"
	return nil
}

func (v boolean) show() any { return *v.dst }

// level is the level from which on messages are logged.
type level struct{ dst *slog.Level }

func (v level) set(s string) error {
	names := []string{"debug", "info", "warn", "error"}
	if !slices.Contains(names, s) {
		return mustBe(oneOf(names), s)
	}
	return v.dst.UnmarshalText([]byte(s))
}

func (v level) show() any { return strings.ToLower(v.dst.String()) }

// number is a whole number within bounds.
type number struct {
	dst      *int
	min, max int
}

func (v number) set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < v.min || n > v.max {
		return mustBe(fmt.Sprintf("a whole number from %d to %d", v.min, v.max), s)
	}
	*v.dst = n
	return nil
}

func (v number) show() any { return *v.dst }

// MaxDuration bounds every duration. Nobody means a longer one, and with it sums of
// times and the files that they travel in need no bounds of their own.
const MaxDuration = 365 * 24 * time.Hour

// duration is a time.Duration above 0.
type duration struct{ dst *time.Duration }

func (v duration) set(s string) (err error) {
	*v.dst, err = parseDuration(s, "")
	return err
}

func parseDuration(s, or string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	switch {
	case err == nil && d > MaxDuration:
		return 0, mustBe("at most "+shortDuration(MaxDuration)+", a year"+or, s)
	case err == nil && d > 0:
		return d, nil
	case err == nil:
		return 0, mustBe("a duration above 0, such as 30m"+or, s)
	case isNumber(s):
		return 0, fmt.Errorf("%s has no unit: write %ss, %sm or %sh", s, s, s, s)
	default:
		return 0, mustBe("a duration such as 90s, 30m or 1h30m"+or, s)
	}
}

func (v duration) show() any { return shortDuration(*v.dst) }

// interval is a duration of a second or more; 0, when it is not in use, is not shown.
type interval struct{ dst *time.Duration }

func (v interval) set(s string) error {
	d, err := parseDuration(s, "")
	if err == nil && d < time.Second {
		err = mustBe("1s or more", s)
	}
	*v.dst = d
	return err
}

func (v interval) show() any {
	if *v.dst == 0 {
		return nil
	}
	return shortDuration(*v.dst)
}

// pause is a duration that may be 0s.
type pause struct{ dst *time.Duration }

func (v pause) set(s string) (err error) {
	if d, err := time.ParseDuration(s); err == nil && d == 0 {
		*v.dst = 0
		return nil
	}
	*v.dst, err = parseDuration(s, ", or 0s")
	return err
}

func (v pause) show() any { return shortDuration(*v.dst) }

// shortDuration leaves out the zeroes that Duration.String adds: 10m0s is 10m.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// autoDuration is a duration or auto, which is 0.
type autoDuration struct{ dst *time.Duration }

func (v autoDuration) set(s string) (err error) {
	if s == "auto" {
		*v.dst = 0
		return nil
	}
	*v.dst, err = parseDuration(s, ", or auto")
	return err
}

func (v autoDuration) show() any {
	if *v.dst == 0 {
		return "auto"
	}
	return shortDuration(*v.dst)
}

// optional lets a text be empty, which is Puppet's own default.
func optional(check func(string) error) func(string) error {
	return func(s string) error {
		if s == "" {
			return nil
		}
		return check(s)
	}
}

func absolute(path string) error {
	if !isAbsolute(path) {
		return mustBe("an absolute path", path)
	}
	return nil
}

func absoluteOrAuto(path string) error {
	if path != AutoBinary && !isAbsolute(path) {
		return mustBe("an absolute path or auto", path)
	}
	return nil
}

// cleanAbsolute keeps one directory from having several names.
func cleanAbsolute(path string) error {
	if err := absolute(path); err != nil {
		return err
	}
	if clean := filepath.Clean(path); clean != path {
		return mustBe("the shortest form of the path, "+quote(clean), path)
	}
	return nil
}

// textfile keeps to the names that node_exporter reads.
func textfile(path string) error {
	if err := cleanAbsolute(path); err != nil {
		return err
	}
	if !strings.HasSuffix(path, ".prom") {
		return mustBe("a path that ends in .prom, node_exporter reads no other", path)
	}
	return nil
}

func isAbsolute(path string) bool {
	return filepath.IsAbs(path) && !strings.ContainsFunc(path, unicode.IsControl)
}

func mustBe(want, got string) error {
	return fmt.Errorf("must be %s, not %s", want, quote(got))
}

// isNumber reports whether s is a number that lacks its unit.
func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}
