package printable

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"Käse, 維護 🎉":        "Käse, 維護 🎉",
		"a\nb\tc\r\x00":     "a b c  ",
		"\x1b[31mred\x9b0m": " [31mred\ufffd0m",
		"\u009b2J":          " 2J",
		"a\u202eb\u2028c\u00a0d\u200b\u2066\ufeff": "a b c d   ",
		"half \xc3": "half \ufffd",
	} {
		if got := Line(text); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

// Whatever comes in, what comes out can be shown, and stays as it is when it does so twice.
func TestShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, most := string(rapid.SliceOf(rapid.Byte()).Draw(t, "text"))+rapid.String().Draw(t, "more"), rapid.IntRange(3, 40).Draw(t, "most")
		line, short := Line(text), Short(text, most)
		if Check(line) != nil || Line(line) != line || Check(short) != nil || len(short) > most || !utf8.ValidString(short) {
			t.Fatalf("%q gives %q and %q", text, line, short)
		}
		if (Check(text) == nil) != (Line(text) == text && utf8.ValidString(text)) {
			t.Fatalf("Check and Line do not agree on %q", text)
		}
	})
}
