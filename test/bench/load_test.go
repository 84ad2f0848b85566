//go:build bench

package bench

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/test/rig"
)

// A caller is a node as the collector sees it, which costs as little as can be: the load is on the same machine as what
// it is put on. Its requests were made before the clock starts.
type caller struct {
	config   *tls.Config
	requests [][]byte

	conn *tls.Conn
	r    *bufio.Reader
}

func newCaller(ca *rig.CA, name string) *caller {
	return &caller{config: clientConfig(ca.Roots, ca.Issue(name).TLS)}
}

func clientConfig(roots *x509.CertPool, cert tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: roots, ServerName: "localhost", Certificates: []tls.Certificate{cert}}
}

// add prepares a request.
func (c *caller) add(method, path, encoding string, body []byte) {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", method, path, len(body))
	if encoding != "" {
		head += "Content-Encoding: " + encoding + "\r\n"
	}
	c.requests = append(c.requests, append([]byte(head+"\r\n"), body...))
}

func (c *caller) dial(address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	c.conn = tls.Client(conn, c.config)
	c.r = bufio.NewReader(c.conn)
	return c.conn.Handshake()
}

func (c *caller) hangUp() {
	c.conn.Close()
}

// do sends a request and reads the answer, which must be a 2xx.
func (c *caller) do(request []byte) error {
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	response, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("answered with %s: %s", response.Status, body)
	}
	return err
}

// load is what came of requests.
type load struct {
	wall      time.Duration
	latencies []time.Duration
}

// drive lets all callers do all their requests, each one after the other, and all at the same time. With fresh, each
// request has a connection of its own.
func drive(t *testing.T, address string, fresh bool, callers []*caller) load {
	t.Helper()
	if !fresh {
		for _, c := range callers {
			if err := c.dial(address); err != nil {
				t.Fatal(err)
			}
			defer c.hangUp()
		}
	}
	latencies := make([][]time.Duration, len(callers))
	var all sync.WaitGroup
	began := time.Now()
	for i, c := range callers {
		all.Go(func() {
			var err error
			if latencies[i], err = c.all(address, fresh); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	l := load{wall: time.Since(began), latencies: slices.Concat(latencies...)}
	slices.Sort(l.latencies)
	if t.Failed() {
		t.FailNow()
	}
	return l
}

func (c *caller) all(address string, fresh bool) (latencies []time.Duration, err error) {
	for _, request := range c.requests {
		began := time.Now()
		if fresh {
			if err := c.dial(address); err != nil {
				return nil, err
			}
		}
		if err := c.do(request); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(began))
		if fresh {
			c.hangUp()
		}
	}
	return latencies, nil
}

// at is the latency that so many of a hundred requests did not exceed.
func (l load) at(percent int) time.Duration {
	return l.latencies[min(len(l.latencies)*percent/100, len(l.latencies)-1)]
}

// perSecond is a rate of n in the time that the load took.
func (l load) perSecond(n int) float64 { return float64(n) / l.wall.Seconds() }

// within wants 99 of 100 to have taken no longer than the aim.
func (l load) within(t *testing.T, what string, aim time.Duration) {
	t.Helper()
	t.Logf("%-44.44s %s (aim %.0f ms)", what, l, ms(aim))
	if len(l.latencies) > 0 && l.at(99) > aim {
		t.Errorf("%s: the aim is missed", what)
	}
}

func (l load) String() string {
	if len(l.latencies) == 0 {
		return "none"
	}
	return fmt.Sprintf("p50 %.1f ms, p99 %.1f ms, worst %.1f ms", ms(l.at(50)), ms(l.at(99)), ms(l.at(100)))
}
