//go:build lab

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// startTimeout bounds the bring-up: 27 s on two idle cores, and two minutes more where the packages are missing.
const startTimeout = 8 * time.Minute

// Lab is a running puppetserver and the nodes of this test process.
type Lab struct {
	root   string // the server's folder, LAB_ROOT of the script up
	nodes  string // this process's own nodes, below root
	port   int
	holder *holder // nil when the server is somebody else's

	revoking sync.Mutex
}

// shared is the one lab of a test process: the first Start brings it up, the last Stop ends it.
var shared struct {
	sync.Mutex
	lab   *Lab
	users int
}

// Start brings the lab up, or joins the one of this test process. What the scripts say goes to log.
//
// With LAB_ROOT in the environment it joins the lab of that folder, starting it if need be, and leaves it up.
func Start(ctx context.Context, log io.Writer) (*Lab, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.lab == nil {
		lab, err := start(ctx, log)
		if err != nil {
			return nil, fmt.Errorf("start the lab: %w", err)
		}
		shared.lab = lab
	}
	shared.users++
	return shared.lab, nil
}

// Stop ends the lab with its last user and removes what it left on disk.
func (l *Lab) Stop() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.lab != l {
		return errors.New("stop the lab: not running")
	}
	if shared.users--; shared.users > 0 {
		return nil
	}
	shared.lab = nil
	return l.close()
}

// Root is the lab's folder. The server's log is server/log/puppetserver.log in it.
func (l *Lab) Root() string { return l.root }

// Port is the server's, on 127.0.0.1; its certificate is for localhost.
func (l *Lab) Port() int { return l.port }

// CAFile is the certificate of the lab's CA.
func (l *Lab) CAFile() string { return filepath.Join(l.root, "server/ca/ca_crt.pem") }

func start(ctx context.Context, log io.Writer) (_ *Lab, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := runScript(ctx, log, "install", "server"); err != nil {
		return nil, err
	}
	lab := &Lab{root: os.Getenv("LAB_ROOT")}
	if lab.root != "" {
		err = runScript(ctx, log, "up", "start")
	} else {
		err = lab.hold(ctx, log)
	}
	if err != nil {
		return nil, err
	}
	if err := lab.open(); err != nil {
		return nil, errors.Join(err, lab.close())
	}
	return lab, nil
}

// hold brings up a server of our own, that ends with this process.
func (l *Lab) hold(ctx context.Context, log io.Writer) error {
	root, err := os.MkdirTemp("", "puppet-cron-lab-")
	if err != nil {
		return err
	}
	l.root = root
	if err := os.Chmod(root, 0o755); err != nil { // for the server's user
		return err
	}
	l.holder, err = startHolder(ctx, root, log)
	return err
}

func (l *Lab) open() error {
	port, err := os.ReadFile(filepath.Join(l.root, "port"))
	if err != nil {
		return err
	}
	if l.port, err = strconv.Atoi(strings.TrimSpace(string(port))); err != nil {
		return fmt.Errorf("read the server's port: %w", err)
	}
	l.nodes, err = os.MkdirTemp(l.root, "nodes-")
	return err
}

func (l *Lab) close() error {
	if l.holder != nil {
		return l.holder.stop()
	}
	return os.RemoveAll(l.nodes)
}

// logTail is the end of the server's log, for the errors that it explains.
func (l *Lab) logTail() string {
	log, err := os.ReadFile(filepath.Join(l.root, "server/log/puppetserver.log"))
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(log, []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
}

func runScript(ctx context.Context, log io.Writer, name string, args ...string) error {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(sourceDir(), name), args...)
	cmd.Stdout = io.MultiWriter(log, &said)
	cmd.Stderr = cmd.Stdout
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, said.Bytes())
	}
	return nil
}

// sourceDir is the folder of the scripts, which is this file's.
func sourceDir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(file)
}

// Nodes is the folder of this test process's nodes, which goes with the lab.
func (l *Lab) Nodes() string { return l.nodes }
