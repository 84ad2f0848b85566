package config

import (
	"errors"
	"strconv"
	"strings"
)

// SkipWhen says what keeps a scheduled run off. Any one of them does.
type SkipWhen struct {
	Battery     bool
	LoadPerCore float64  // 0 is never
	File        string   // "" is none
	Command     []string // the program and its arguments; empty is none
}

// Any reports whether there is anything to look at.
func (s *SkipWhen) Any() bool {
	return s.Battery || s.LoadPerCore > 0 || s.File != "" || len(s.Command) > 0
}

// limit is a number above 0, or never, which is 0.
type limit struct{ dst *float64 }

const (
	noLimit  = "never"
	minLimit = 0.01
	maxLimit = 1000
)

func (v limit) set(s string) error {
	if s == noLimit {
		*v.dst = 0
		return nil
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.Trim(s, "0123456789.") != "" || n < minLimit || n > maxLimit {
		return mustBe("a number from 0.01 to 1000, such as 4 or 0.5, or never", s)
	}
	*v.dst = n
	return nil
}

func (v limit) show() any {
	if *v.dst == 0 {
		return noLimit
	}
	return *v.dst
}

// argv is a program and its arguments. No shell reads them.
type argv struct{ dst *[]string }

func (v argv) set(s string) error {
	*v.dst = append(*v.dst, s) // a wrong one too, lest the next be taken for the program
	if len(*v.dst) == 1 && !isAbsolute(s) {
		return mustBe("the absolute path of a program", s)
	}
	if strings.Contains(s, "\x00") {
		return errors.New("cannot hold NUL, no argument can: remove it")
	}
	return nil
}

func (v argv) show() any { return *v.dst }
