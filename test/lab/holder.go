//go:build lab

package lab

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// stopTimeout bounds the end of a server: half a second as a rule, and `up` kills it after five.
const stopTimeout = 30 * time.Second

// A holder is the script `up hold`: it keeps the server up while we hold its standard input open, and ends it even if
// this process is killed.
type holder struct {
	stdin io.Closer
	ended chan error // the script's end, once
}

// startHolder returns when the server answers.
func startHolder(ctx context.Context, root string, log io.Writer) (*holder, error) {
	var said bytes.Buffer
	cmd := exec.Command(filepath.Join(sourceDir(), "up"), "hold")
	cmd.Env = append(os.Environ(), "LAB_ROOT="+root)
	cmd.Stderr = io.MultiWriter(log, &said)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C is for the test, the end of stdin for the script
	ready, stdout := io.Pipe()
	cmd.Stdout = stdout
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	h := &holder{stdin: stdin, ended: make(chan error, 1)}
	go func() {
		err := cmd.Wait()
		stdout.Close()
		h.ended <- err
	}()
	if err := awaitReady(ctx, ready); err != nil {
		err = errors.Join(err, h.stop())
		return nil, fmt.Errorf("up hold: %w\n%s", err, said.Bytes())
	}
	return h, nil
}

func awaitReady(ctx context.Context, stdout io.Reader) error {
	ready := make(chan error, 1)
	go func() {
		_, err := bufio.NewReader(stdout).ReadString('\n')
		ready <- err
	}()
	select {
	case err := <-ready:
		if err != nil {
			return errors.New("ended before the server was ready")
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("server not ready: %w", ctx.Err())
	}
}

func (h *holder) stop() error {
	h.stdin.Close()
	select {
	case err := <-h.ended:
		return err
	case <-time.After(stopTimeout):
		return fmt.Errorf("server not stopped after %s", stopTimeout)
	}
}
