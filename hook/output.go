package hook

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/printable"
)

// output reads what a program prints, keeps the beginning, and says when it is too
// much.
type output struct {
	r, w  *os.File
	flood chan struct{}
	ended chan struct{}

	mu    sync.Mutex
	begun []byte
	total int
}

func newOutput() (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("cannot make a pipe for its output: %w", err)
	}
	return &output{r: r, w: w, flood: make(chan struct{}), ended: make(chan struct{})}, nil
}

// begin reads, once the program has its end of the pipe.
func (o *output) begin() {
	o.w.Close()
	go func() {
		defer close(o.ended)
		for buf := make([]byte, 32<<10); ; {
			n, err := o.r.Read(buf)
			if !o.take(buf[:n]) {
				close(o.flood)
				return
			}
			if err != nil {
				return
			}
		}
	}()
}

// take reports whether there may be more.
func (o *output) take(p []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begun = append(o.begun, p[:min(len(p), keptOutput-len(o.begun))]...)
	o.total += len(p)
	return o.total <= maxOutput
}

func (o *output) tooMuch() error {
	select {
	case <-o.flood:
		return fmt.Errorf("printed more than %d KiB and was ended", maxOutput>>10)
	default:
		return nil
	}
}

// kept is what has been kept when all is read. A process that was spared may hold
// the pipe for ever; it is not waited for.
func (o *output) kept() []byte {
	select {
	case <-o.ended:
	case <-time.After(settle):
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.begun)
}

func (o *output) close() {
	o.w.Close()
	o.r.Close()
}

// maxLine bounds what FirstLine returns, in bytes.
const maxLine = 256

// FirstLine is the first line of an output with anything in it to see, fit for a log
// and a terminal.
func FirstLine(out []byte) string {
	for line := range bytes.Lines(out[:min(len(out), keptOutput)]) {
		if s := printable.Short(string(line), maxLine); s != "" {
			return s
		}
	}
	return ""
}
