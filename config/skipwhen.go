package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/puppet-cron/puppet-cron/internal/strict"
)

// SkipWhen says what keeps a scheduled run off. Any one of them does.
type SkipWhen struct {
	Battery     bool
	LoadPerCore float64  // 0 is never
	File        string   // "" is none
	Command     []string // the program and its arguments; empty is none
}

// String says when a run is kept off; empty when nothing may.
func (s *SkipWhen) String() string {
	var when []string
	if s.Battery {
		when = append(when, "the machine runs on its battery")
	}
	if s.File != "" {
		when = append(when, s.File+" exists")
	}
	if s.LoadPerCore > 0 {
		when = append(when, fmt.Sprintf("the load per core is above %g", s.LoadPerCore))
	}
	if len(s.Command) > 0 {
		when = append(when, s.Command[0]+" says no")
	}
	return strings.Join(when, ", or ")
}

// limit is a number above 0, or never, which is 0.
type limit struct{ dst *float64 }

const (
	noLimit  = "never"
	minLimit = 0.01
	maxLimit = 1000
)

func (v limit) Set(s string) error {
	if s == noLimit {
		*v.dst = 0
		return nil
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.Trim(s, "0123456789.") != "" || n < minLimit || n > maxLimit {
		return strict.MustBe("a number from 0.01 to 1000, such as 4 or 0.5, or never", s)
	}
	*v.dst = n
	return nil
}

func (v limit) Show() any {
	if *v.dst == 0 {
		return noLimit
	}
	return *v.dst
}

// argv is a program and its arguments. No shell reads them.
type argv struct{ dst *[]string }

func (v argv) Set(s string) error {
	*v.dst = append(*v.dst, s) // a wrong one too, lest the next be taken for the program
	if len(*v.dst) == 1 && !strict.IsAbsolute(s) {
		return strict.MustBe("the absolute path of a program", s)
	}
	if strings.Contains(s, "\x00") {
		return errors.New("cannot hold NUL, no argument can: remove it")
	}
	return nil
}

func (v argv) Show() any { return *v.dst }
