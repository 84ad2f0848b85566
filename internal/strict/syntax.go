package strict

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// document returns the top of the only document in data, nil when there is none
// or when it is not YAML.
func (f *File) document(data []byte) *yaml.Node {
	if !f.checkText(data) {
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		f.reportSyntax(data, err)
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		f.Report(second.Line, "", "a second document begins here: the file must hold one only")
	} else {
		f.reportSyntax(data, err)
	}
	return doc.Content[0]
}

// checkText finds what YAML would refuse without saying where.
func (f *File) checkText(data []byte) bool {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			f.Report(lineAt(data, i), "", "not UTF-8: save the file as UTF-8")
			return false
		case unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r):
			f.Report(lineAt(data, i), "", "control character %U: remove it", r)
			return false
		}
		i += n
	}
	return true
}

func lineAt(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte("\n")) }

var (
	yamlMessage   = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	grammar       = regexp.MustCompile(`^did not find expected (key|node content|<document start>|'-' indicator|',' or)`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// reportSyntax reports an error of the YAML library, which has its line within
// its text, or none when that is 1. The end of the file is not an error.
func (f *File) reportSyntax(data []byte, err error) {
	if errors.Is(err, io.EOF) {
		return
	}
	line, msg := 1, err.Error()
	if m := yamlMessage.FindStringSubmatch(msg); m != nil {
		msg = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
		// The library counts from 0 here, and from 1 in the errors of its scanner.
		if m[1] != "" && grammar.MatchString(msg) {
			line++
		}
	}
	if m := unknownAnchor.FindStringSubmatch(msg); m != nil {
		f.Report(lineAt(data, max(0, bytes.Index(data, []byte("*"+m[1])))), "", noAliases)
		return
	}
	f.Report(line, "", "not YAML from here on (check indentation, tabs and quotes): %s", msg)
}
