//go:build machine

package machine

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// boots listens to what systemd-nspawn says of a machine by the protocol of sd_notify.
type boots struct {
	path     string
	conn     *net.UnixConn
	complete chan int // the first process of each boot that is complete
}

func listen(path string) (*boots, error) {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("listen for boots: %w", err)
	}
	b := &boots{path: path, conn: conn, complete: make(chan int, 1)}
	go b.follow()
	return b, nil
}

func (b *boots) close() { b.conn.Close() }

// follow ends when the socket is closed.
func (b *boots) follow() {
	message := make([]byte, 4096)
	leader := 0
	for {
		n, err := b.conn.Read(message)
		if err != nil {
			return
		}
		for field := range strings.Lines(string(message[:n])) {
			switch key, value, _ := strings.Cut(strings.TrimSpace(field), "="); key {
			case "X_NSPAWN_LEADER_PID":
				leader, _ = strconv.Atoi(value)
			case "READY":
				b.announce(leader)
			}
		}
	}
}

// announce forgets a boot that nobody has waited for.
func (b *boots) announce(leader int) {
	select {
	case <-b.complete:
	default:
	}
	b.complete <- leader
}
