package report

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
)

// Limits of what is read.
const (
	maxReport = 32 << 20 // bytes of a report
	maxWhole  = 4 << 20  // bytes of a report that has to be loaded as one
	maxChunk  = 1 << 20  // bytes of one entry of a report
	readSize  = 64 << 10
)

// blockStyle matches the beginning of a report as Psych writes it: its document
// marker, then a key at column 0.
var blockStyle = regexp.MustCompile(`^(---( ![^\s{\[]+)? *\r?\n)?[a-z_]+:[ \r\n]`)

// Read reads a report: YAML as Psych writes it, or JSON. Such YAML is read in
// pieces, so that a report of 20 MB needs a few MiB of memory; JSON and other
// styles of YAML are loaded as a whole and must not be longer than 4 MiB.
func Read(r io.Reader) (*Report, error) {
	in := bufio.NewReaderSize(&cappedReader{r: r, left: maxReport}, readSize)
	head, err := in.Peek(512)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case len(bytes.TrimSpace(head)) == 0 && err != nil:
		return nil, errors.New("the report is empty")
	}
	c := newCollector()
	if blockStyle.Match(head) {
		err = readPieces(in, c)
	} else {
		err = readWhole(in, c)
	}
	if err != nil {
		return nil, err
	}
	return c.finish()
}

func readPieces(in *bufio.Reader, c *collector) error {
	s, err := newSplitter(in)
	if err != nil {
		return err
	}
	for {
		piece, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := collect(c, piece); err != nil {
			return fmt.Errorf("%s at line %d: %w", piece.key, piece.line, err)
		}
	}
}

func collect(c *collector, piece chunk) error {
	if !wanted(c, piece) {
		return nil
	}
	if piece.cut {
		return fmt.Errorf("longer than %d KiB", maxChunk>>10)
	}
	key, value, err := piece.decode()
	if err != nil {
		return err
	}
	switch {
	case !piece.entry:
		return c.field(piece.key, value)
	case piece.key == keyLogs:
		c.log(value)
	default:
		c.resource(key, value)
	}
	return nil
}

// wanted reports whether a chunk may hold something to collect. Looking at the
// text is a hundred times cheaper than decoding it, and most entries of a large
// report are resources that did not fail. When in doubt the answer is yes.
func wanted(c *collector, piece chunk) bool {
	switch {
	case !piece.entry:
		return c.knows(piece.key)
	case piece.key == keyLogs:
		return mayBeError(piece.text)
	default:
		return mayHaveFailed(piece)
	}
}

// mayBeError looks at everything that resembles a level, for a message may hold
// the text "level: info" too.
func mayBeError(item []byte) bool {
	label, found := []byte("level:"), false
	for {
		_, rest, ok := bytes.Cut(item, label)
		if !ok {
			return !found
		}
		found, item = true, rest
		value, _, _ := bytes.Cut(rest, []byte("\n"))
		if !harmless(value) {
			return true
		}
	}
}

// harmless knows the levels below err, as symbols (:info, !ruby/sym info) too.
func harmless(level []byte) bool {
	level = bytes.TrimSpace(level)
	level = bytes.TrimPrefix(level, []byte("!ruby/sym "))
	level = bytes.TrimPrefix(level, []byte(":"))
	switch string(level) {
	case "debug", "info", "notice", "warning":
		return true
	}
	return false
}

func mayHaveFailed(status chunk) bool {
	if bytes.Contains(status.text, []byte("failed: true")) || bytes.Contains(status.text, []byte("failed_to_restart: true")) {
		return true
	}
	// What was cut off may hold the answer unless that was given already.
	return status.cut && !bytes.Contains(status.text, []byte("failed: false"))
}

// cappedReader fails when there is more to read than it was told to expect: an
// io.LimitedReader would make a report that is too long look like a short one.
type cappedReader struct {
	r    io.Reader
	left int
}

func (c *cappedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p[:min(len(p), c.left+1)])
	if c.left -= n; c.left < 0 {
		return 0, fmt.Errorf("the report is longer than %d MiB", maxReport>>20)
	}
	return n, err
}
