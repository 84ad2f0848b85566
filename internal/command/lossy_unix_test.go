//go:build unix

package command

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What did not fit is counted, and told once somebody reads again.
func TestDroppedLinesAreCounted(t *testing.T) {
	reader, writer := hungReader(t)
	l := NewLossy(writer, "puppet-cron")
	for len(l.lines) < queueLines {
		fmt.Fprintln(l, "line")
	}
	for range 42 {
		fmt.Fprintln(l, "one too many")
	}
	said := make(chan string)
	go func() {
		text, _ := io.ReadAll(reader)
		said <- strings.TrimLeft(string(text), "\x00")
	}()
	Flush(l)
	<-l.done
	writer.Close()
	want := regexp.MustCompile(`^(line\n){256,257}puppet-cron: (4[1-3]) lines were dropped: their reader did not keep up\n$`)
	if text := <-said; !want.MatchString(text) {
		t.Errorf("got %q", text)
	}
}

// hungReader is the writing end of a pipe that is full, and that nobody reads.
func hungReader(t *testing.T) (reader, writer *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close(); writer.Close() })
	if err := writer.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = writer.Write(make([]byte, 4096))
	}
	if err := writer.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	writer.Fd() // blocks from now on, as every program expects of its standard error
	return reader, writer
}
