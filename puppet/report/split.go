package report

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The keys whose values grow with the catalog, one entry a log line or resource.
const (
	keyLogs      = "logs"
	keyResources = "resource_statuses"
)

// maxIndent is how far the entries of a key may be indented to be seen as such.
const maxIndent = 16

// chunk is a piece of a report that can be decoded on its own.
type chunk struct {
	key   string // the top-level key that it belongs to
	entry bool   // one log item or one resource status; else the key itself
	line  int    // where it starts, counted from 1
	text  []byte // valid until the next chunk is asked for
	cut   bool   // text is not all of it
}

// splitter cuts a report in block style at its top-level keys, and the values
// of logs and resource_statuses at their entries.
//
// It tells these borders by indentation alone. That is safe with what Psych
// writes: the lines of a text that spans several (|, >, quoted or plain) are
// always indented further than the key they belong to, so that no text can
// look like a key or an entry. Lines that are no border stay with the chunk
// before them, and what is not understood is an error when it is decoded.
type splitter struct {
	in     *bufio.Reader
	line   int    // lines taken
	last   byte   // the last byte taken
	key    string // the top-level key that is being read
	nested bool   // the entries of key are chunks of their own,
	indent int    // indented this far
	text   []byte // of the current chunk; one buffer for all
	cut    bool
}

func newSplitter(in *bufio.Reader) (*splitter, error) {
	s := &splitter{in: in}
	head, err := in.Peek(3)
	if err != nil {
		return nil, err
	}
	if string(head) == "---" {
		err = s.takeLine()
	}
	return s, err
}

// next returns the next chunk, or io.EOF after the last one.
func (s *splitter) next() (chunk, error) {
	at, err := s.border()
	if err != nil {
		return chunk{}, err
	}
	if at == atEnd {
		return chunk{}, s.end()
	}
	s.text, s.cut = s.text[:0], false
	line := s.line + 1
	if err := s.takeLine(); err != nil {
		return chunk{}, err
	}
	if at != atEntry {
		if err := s.enter(); err != nil {
			return chunk{}, err
		}
	}
	if err := s.takeRest(); err != nil {
		return chunk{}, err
	}
	return chunk{key: s.key, entry: at == atEntry, line: line, text: s.text, cut: s.cut}, nil
}

// end is what next returns at the end. Psych ends every line.
func (s *splitter) end() error {
	if s.last != '\n' {
		return fmt.Errorf("line %d: the report breaks off here", s.line)
	}
	return io.EOF
}

// enter takes the line just read for that of a top-level key.
func (s *splitter) enter() error {
	key, value, ok := topKey(s.text)
	if !ok {
		return fmt.Errorf("line %d: no key where one is expected", s.line)
	}
	s.key = key
	s.nested = (key == keyLogs || key == keyResources) && isEmpty(value)
	if !s.nested {
		return nil
	}
	head, err := s.in.Peek(maxIndent)
	s.indent = countSpaces(head)
	return ignoreEOF(err)
}

// takeRest takes lines up to the next border.
func (s *splitter) takeRest() error {
	for {
		at, err := s.border()
		if err != nil || at != atNothing {
			return err
		}
		if err := s.takeLine(); err != nil {
			return err
		}
	}
}

// takeLine adds the next line to the chunk. Of a chunk that is too long only the
// beginning is kept: it says whether the chunk was wanted at all.
func (s *splitter) takeLine() error {
	s.line++
	for {
		part, err := s.in.ReadSlice('\n')
		if len(part) > 0 {
			s.last = part[len(part)-1]
		}
		keep := min(len(part), maxChunk-len(s.text))
		s.text = append(s.text, part[:keep]...)
		s.cut = s.cut || keep < len(part)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return ignoreEOF(err)
		}
	}
}

type border int

const (
	atNothing border = iota // the line belongs to the chunk before it
	atKey
	atEntry
	atEnd
)

// border looks at the next line, which stays unread.
func (s *splitter) border() (border, error) {
	head, err := s.in.Peek(maxIndent + 2)
	if err := ignoreEOF(err); err != nil {
		return atNothing, err
	}
	if len(head) == 0 {
		return atEnd, nil
	}
	indent := countSpaces(head)
	rest := head[indent:]
	switch {
	case len(rest) == 0 || isSpace(rest[0]):
		return atNothing, nil
	case s.nested && indent == s.indent && s.startsEntry(rest):
		return atEntry, nil
	case indent == 0 && !marked(rest, '-'):
		return atKey, nil
	}
	return atNothing, nil
}

func (s *splitter) startsEntry(line []byte) bool {
	if s.key == keyLogs {
		return marked(line, '-')
	}
	// A key that is too long for one line, or has several, is written as
	// "? key", with ": value" below it. A text that begins like a flow
	// collection or a comment would be quoted, so these are none of Psych's.
	return s.indent > 0 && !marked(line, ':') && !marked(line, '-') && !strings.ContainsRune("{}[]#", rune(line[0]))
}

// topKey takes a line at column 0 apart.
func topKey(line []byte) (key string, value []byte, ok bool) {
	name, value, ok := bytes.Cut(line, []byte(":"))
	for _, c := range name {
		ok = ok && (c == '_' || 'a' <= c && c <= 'z')
	}
	ok = ok && len(name) > 0 && (len(value) == 0 || isSpace(value[0]))
	return string(name), value, ok
}

// isEmpty reports whether a key's line ends without a value, but for tags and
// anchors: then the value is in the lines below.
func isEmpty(value []byte) bool {
	for word := range bytes.FieldsSeq(value) {
		if word[0] != '!' && word[0] != '&' {
			return false
		}
	}
	return true
}

// marked reports whether a line begins with one of YAML's block indicators.
func marked(line []byte, indicator byte) bool {
	return line[0] == indicator && (len(line) == 1 || isSpace(line[1]))
}

func countSpaces(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
