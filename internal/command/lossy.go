package command

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

const (
	// queueLines is how much a reader may lag behind.
	queueLines = 256
	// flushTime is how long the end waits for a reader.
	flushTime = time.Second
)

// Lossy hands lines to a writer that may hang, as a pipe does whose reader hangs, and
// never waits for it. What the queue cannot hold is dropped and counted.
type Lossy struct {
	w       io.Writer
	program string
	lines   chan []byte
	quit    chan struct{}
	done    chan struct{}
	dropped atomic.Int64
}

// NewLossy makes one for a program, which tells what was dropped in its name.
func NewLossy(w io.Writer, program string) *Lossy {
	l := &Lossy{w: w, program: program, lines: make(chan []byte, queueLines), quit: make(chan struct{}), done: make(chan struct{})}
	go l.pass()
	return l
}

// Write never fails: there is nobody to tell.
func (l *Lossy) Write(line []byte) (int, error) {
	select {
	case l.lines <- append([]byte(nil), line...):
	default:
		l.dropped.Add(1)
	}
	return len(line), nil
}

// Unwrap is the writer that may hang.
func (l *Lossy) Unwrap() io.Writer { return l.w }

func (l *Lossy) pass() {
	defer close(l.done)
	for {
		select {
		case line := <-l.lines:
			l.write(line)
		case <-l.quit:
			for len(l.lines) > 0 { // nobody else takes from it
				l.write(<-l.lines)
			}
			return
		}
	}
}

// write also tells what was dropped, where that belongs: behind what the queue held. A
// log in JSON stays one.
func (l *Lossy) write(line []byte) {
	_, _ = l.w.Write(line)
	if len(l.lines) > 0 {
		return
	}
	text := l.program + ": %d lines were dropped: their reader did not keep up\n"
	if bytes.HasPrefix(line, []byte("{")) {
		text = `{"level":"WARN","msg":"%d lines were dropped: their reader did not keep up"}` + "\n"
	}
	if n := l.dropped.Swap(0); n > 0 {
		fmt.Fprintf(l.w, text, n)
	}
}

// Flush ends writers that nobody writes to any more. It waits for what they have, a second
// at most for all of them.
func Flush(all ...*Lossy) {
	for _, l := range all {
		close(l.quit)
	}
	late := time.After(flushTime)
	for _, l := range all {
		select {
		case <-l.done:
		case <-late:
			return
		}
	}
}
