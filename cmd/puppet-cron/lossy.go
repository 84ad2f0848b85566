package main

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

// lossy hands lines to a writer that may hang, as a pipe does whose reader hangs, and
// never waits for it. What the queue cannot hold is dropped and counted.
type lossy struct {
	w       io.Writer
	lines   chan []byte
	quit    chan struct{}
	done    chan struct{}
	dropped atomic.Int64
}

func newLossy(w io.Writer) *lossy {
	l := &lossy{w: w, lines: make(chan []byte, queueLines), quit: make(chan struct{}), done: make(chan struct{})}
	go l.pass()
	return l
}

// Write never fails: there is nobody to tell.
func (l *lossy) Write(line []byte) (int, error) {
	select {
	case l.lines <- append([]byte(nil), line...):
	default:
		l.dropped.Add(1)
	}
	return len(line), nil
}

func (l *lossy) pass() {
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
func (l *lossy) write(line []byte) {
	_, _ = l.w.Write(line)
	if len(l.lines) > 0 {
		return
	}
	format := "puppet-cron: %d lines were dropped: their reader did not keep up\n"
	if bytes.HasPrefix(line, []byte("{")) {
		format = `{"level":"WARN","msg":"%d lines were dropped: their reader did not keep up"}` + "\n"
	}
	if n := l.dropped.Swap(0); n > 0 {
		fmt.Fprintf(l.w, format, n)
	}
}

// neverBlock keeps what is said from holding up what is done: for the service and its
// runners, whose readers nobody watches.
func (p *program) neverBlock() {
	out, err := newLossy(p.stdout), newLossy(p.stderr)
	p.stdout, p.stderr = out, err
	p.flush = func() {
		close(out.quit)
		close(err.quit)
		late := time.After(flushTime)
		for _, l := range []*lossy{out, err} {
			select {
			case <-l.done:
			case <-late:
				return
			}
		}
	}
}
