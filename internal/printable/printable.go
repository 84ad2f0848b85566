// Package printable makes text that others wrote fit to be shown: on one line, with
// nothing that steers a terminal, hides, or turns the direction of what follows.
package printable

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line is text with a space for each character that cannot be seen, and U+FFFD for
// each byte that is not UTF-8.
func Line(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// Short is Line without a run of spaces in it, in at most so many bytes.
func Short(text string, most int) string {
	return Cut(strings.Join(strings.Fields(Line(text)), " "), most)
}

// Cut shortens a text to so many bytes, between two characters.
func Cut(text string, most int) string {
	const ellipsis = "…"
	if len(text) <= most {
		return text
	}
	end := max(0, most-len(ellipsis))
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}

// Check refuses what Line would change.
func Check(text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("%q is not UTF-8", text)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%q has a character that cannot be shown, %q; leave it out", text, r)
		}
	}
	return nil
}
