package process

import "testing"

func TestLoginUID(t *testing.T) {
	for text, want := range map[string]string{"1000": "1000", "0\n": "0", "4294967295": "", "": "", "-1": "", "4294967296": "", "anna": ""} {
		if got, ok := parseLoginUID(text); got != want || ok != (want != "") {
			t.Errorf("%q gives %q, %v; want %q", text, got, ok, want)
		}
	}
}
