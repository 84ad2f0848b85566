package strict

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
)

// Text is a string that passes a check.
func Text(dst *string, check func(string) error) Value { return text{dst, check} }

type text struct {
	dst   *string
	check func(string) error
}

func (v text) Set(s string) error {
	if err := v.check(s); err != nil {
		return err
	}
	*v.dst = s
	return nil
}

func (v text) Show() any { return *v.dst }

// Items is a list of strings, each of which passes a check.
func Items(dst *[]string, check func(string) error) Value { return items{dst, check} }

type items struct {
	dst   *[]string
	check func(string) error
}

func (v items) Set(s string) error {
	if err := v.check(s); err != nil {
		return err
	}
	*v.dst = append(*v.dst, s)
	return nil
}

func (v items) Show() any { return *v.dst }

// Choice is one of a few words.
func Choice[T ~string](dst *T, of ...T) Value { return choice[T]{dst, of} }

type choice[T ~string] struct {
	dst *T
	of  []T
}

func (v choice[T]) Set(s string) error {
	if !slices.Contains(v.of, T(s)) {
		return MustBe(oneOf(v.of), s)
	}
	*v.dst = T(s)
	return nil
}

func (v choice[T]) Show() any { return string(*v.dst) }

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

// Boolean is true or false; YAML 1.1's yes and on are refused.
func Boolean(dst *bool) Value { return boolean{dst} }

type boolean struct{ dst *bool }

func (v boolean) Set(s string) error {
	if s != "true" && s != "false" {
		return MustBe("true or false", s)
	}
	*v.dst = s == "true"
	return nil
}

func (v boolean) Show() any { return *v.dst }

// Level is the level from which on messages are logged.
func Level(dst *slog.Level) Value { return level{dst} }

type level struct{ dst *slog.Level }

func (v level) Set(s string) error {
	names := []string{"debug", "info", "warn", "error"}
	if !slices.Contains(names, s) {
		return MustBe(oneOf(names), s)
	}
	return v.dst.UnmarshalText([]byte(s))
}

func (v level) Show() any { return strings.ToLower(v.dst.String()) }

// Number is a whole number within bounds.
func Number(dst *int, least, most int) Value { return number{dst, least, most} }

type number struct {
	dst      *int
	min, max int
}

func (v number) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < v.min || n > v.max {
		return MustBe(fmt.Sprintf("a whole number from %d to %d", v.min, v.max), s)
	}
	*v.dst = n
	return nil
}

func (v number) Show() any { return *v.dst }
