//go:build machine

package systemd

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"testing"
)

// forward lets machines reach a server, which listens on the host's loopback only, by a socket in a folder.
func forward(t *testing.T, port int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	listener, err := net.Listen("unix", filepath.Join(dir, "server.sock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go relay(near, fmt.Sprintf("127.0.0.1:%d", port))
		}
	}()
	return dir
}

func relay(near net.Conn, to string) {
	defer near.Close()
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer far.Close()
	go func() {
		_, _ = io.Copy(far, near)
		_ = far.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(near, far)
}

// reaches has the machine find, on a port of its own loopback, the server behind a folder of forward's.
func (n *node) reaches(folder string, port int) {
	n.t.Helper()
	n.MustRun("systemd-run", "--quiet", fmt.Sprintf("--unit=forward-%d", port), fmt.Sprintf("--socket-property=ListenStream=127.0.0.1:%d", port),
		"/usr/lib/systemd/systemd-socket-proxyd", folder+"/server.sock")
}
