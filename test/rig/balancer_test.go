//go:build linux && lab

package rig

import (
	"io"
	"net"
	"testing"
)

// TestBalancer: connections are spread over all that are there, none is lost when one of them goes, and a killed balancer
// leaves nobody behind on its port.
func TestBalancer(t *testing.T) {
	one, two := say(t, "1"), say(t, "2")
	b := Balance(t, one.Addr().String(), two.Addr().String())
	heard := map[string]int{}
	for range 10 {
		heard[listen(t, b.Address)]++
	}
	if heard["1"] != 5 || heard["2"] != 5 {
		t.Errorf("heard %v; want each five times", heard)
	}
	one.Close()
	for range 10 {
		if got := listen(t, b.Address); got != "2" {
			t.Errorf("heard %q although only the second is there", got)
		}
	}
	b.Kill()
	if conn, err := net.Dial("tcp", b.Address); err == nil {
		conn.Close()
		t.Error("the balancer was killed, and somebody listens on its port")
	}
	b.Start()
	Listening(t, b.Address)
}

// say listens, and says a word to whoever comes.
func say(t *testing.T, word string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, word)
			conn.Close()
		}
	}()
	return l
}

func listen(t *testing.T, address string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	word, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(word)
}
