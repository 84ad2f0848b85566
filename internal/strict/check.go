package strict

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
)

// Optional lets a text be empty.
func Optional(check func(string) error) func(string) error {
	return func(s string) error {
		if s == "" {
			return nil
		}
		return check(s)
	}
}

// Absolute checks that a path is absolute, and one that may be printed.
func Absolute(path string) error {
	if !IsAbsolute(path) {
		return MustBe("an absolute path", path)
	}
	return nil
}

// AbsoluteOrAuto is Absolute, or the word auto.
func AbsoluteOrAuto(path string) error {
	if path != "auto" && !IsAbsolute(path) {
		return MustBe("an absolute path or auto", path)
	}
	return nil
}

// CleanAbsolute checks that a path is absolute and in its shortest form, which keeps
// one directory from having several names.
func CleanAbsolute(path string) error {
	if err := Absolute(path); err != nil {
		return err
	}
	if clean := filepath.Clean(path); clean != path {
		return MustBe("the shortest form of the path, "+Quote(clean), path)
	}
	return nil
}

// IsAbsolute reports whether a path is absolute and holds no control character.
func IsAbsolute(path string) bool {
	return filepath.IsAbs(path) && !strings.ContainsFunc(path, unicode.IsControl)
}

// MustBe is the error of a value that is not what was wanted.
func MustBe(want, got string) error {
	return fmt.Errorf("must be %s, not %s", want, Quote(got))
}

// IsNumber reports whether s is a number that lacks its unit.
func IsNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}
