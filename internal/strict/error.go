package strict

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Error is one mistake in a configuration file.
type Error struct {
	Path string
	Line int    // 0 when the mistake is that of the whole file
	Key  string // the whole path of the key, joined by dots; "" when it is none of a key
	Msg  string
}

func (e *Error) Error() string {
	s := e.Path + ":"
	if e.Line > 0 {
		s += fmt.Sprintf("%d:", e.Line)
	}
	if e.Key != "" {
		s += " " + e.Key + ":"
	}
	return s + " " + e.Msg
}

// maxProblems bounds what a file that is no configuration at all can print.
const maxProblems = 100

// problems collects the mistakes of one file.
type problems struct {
	path string
	all  []*Error
}

// Report notes a mistake at a line, 0 when it is that of the whole file.
func (p *problems) Report(line int, key, format string, a ...any) {
	if !p.enough() {
		p.all = append(p.all, &Error{Path: p.path, Line: line, Key: printable(key), Msg: fmt.Sprintf(format, a...)})
	}
}

func (p *problems) enough() bool { return len(p.all) >= maxProblems }

// Sound reports whether nothing was wrong with any of the keys, or within their lists.
func (p *problems) Sound(keys ...string) bool {
	return !slices.ContainsFunc(p.all, func(e *Error) bool {
		key, _, _ := strings.Cut(e.Key, "[")
		return slices.Contains(keys, key)
	})
}

// Err joins what was reported, in the order of the lines.
func (p *problems) Err() error {
	slices.SortStableFunc(p.all, func(a, b *Error) int { return cmp.Compare(a.Line, b.Line) })
	var errs []error
	for _, e := range p.all {
		errs = append(errs, e)
	}
	if p.enough() {
		errs = append(errs, &Error{Path: p.path, Msg: fmt.Sprintf("there may be more mistakes: these are the first %d", maxProblems)})
	}
	return errors.Join(errs...)
}

// printable leaves a plain key as it is and quotes one that could do harm to a
// terminal or to a line.
func printable(key string) string {
	odd := func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) || r == ':' }
	if len(key) > maxQuoted || strings.ContainsFunc(key, odd) {
		return Quote(key)
	}
	return key
}

// maxQuoted is how much of the file's own text a message repeats, in bytes.
const maxQuoted = 60

// Quote quotes what a file says for a message that repeats it, cut when it is long.
func Quote(s string) string {
	if len(s) <= maxQuoted {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q…", strings.ToValidUTF8(s[:maxQuoted], ""))
}
