//go:build !windows

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// background is the collector that a script has started last.
type background struct {
	cmd   *exec.Cmd
	ended chan error
}

const patience = 30 * time.Second

// serve starts a collector and waits until it serves; URL is where: serve ARGS… Its log is
// the file serve.log.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serve ARG…")
	}
	program, err := exec.LookPath("puppet-cron-collector")
	ts.Check(err)
	b := ts.Value(background{}).(*background)
	b.cmd = exec.Command(program, append([]string{"serve"}, args...)...)
	b.cmd.Dir = ts.MkAbs(".")
	b.ended = make(chan error, 1)
	log, w, err := os.Pipe()
	ts.Check(err)
	b.cmd.Stderr = w
	ts.Check(b.cmd.Start())
	w.Close()
	ts.Defer(func() { _ = b.cmd.Process.Kill() })
	file, err := os.Create(ts.MkAbs("serve.log"))
	ts.Check(err)
	urls := make(chan string, 1)
	go func() {
		follow(log, file, urls)
		b.ended <- b.cmd.Wait()
	}()
	select {
	case url := <-urls:
		ts.Setenv("URL", url)
		ts.Setenv("LISTEN", strings.TrimPrefix(strings.TrimPrefix(url, "https://"), "http://"))
	case err := <-b.ended:
		ts.Fatalf("it ended before it served: %v\n%s", err, ts.ReadFile("serve.log"))
	case <-time.After(patience):
		ts.Fatalf("it does not serve:\n%s", ts.ReadFile("serve.log"))
	}
}

// follow copies a log to a file and tells where the collector serves.
func follow(log io.ReadCloser, file io.WriteCloser, urls chan<- string) {
	defer log.Close()
	defer file.Close()
	serving := regexp.MustCompile(`msg=serving listen=(\S+) .*tls=(\S+)`)
	for lines := bufio.NewScanner(log); lines.Scan(); {
		fmt.Fprintln(file, lines.Text())
		if m := serving.FindStringSubmatch(lines.Text()); m != nil {
			scheme := map[string]string{"true": "https://", "false": "http://"}[m[2]]
			urls <- scheme + m[1]
		}
	}
}

// hangUp and stop send a signal to the collector; stop wants it to end well.
func hangUp(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(ts.Value(background{}).(*background).cmd.Process.Signal(syscall.SIGHUP))
}

func stop(ts *testscript.TestScript, _ bool, _ []string) {
	b := ts.Value(background{}).(*background)
	ts.Check(b.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-b.ended:
		if err != nil {
			ts.Fatalf("%v\n%s", err, ts.ReadFile("serve.log"))
		}
	case <-time.After(patience):
		ts.Fatalf("it does not end:\n%s", ts.ReadFile("serve.log"))
	}
}
