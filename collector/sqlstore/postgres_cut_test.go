//go:build lab

package sqlstore_test

import (
	"bytes"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// A cutter stands before the server's socket and can cut a line at a COMMIT.
type cutter struct {
	t      *testing.T
	server string
	mode   atomic.Int32
	cuts   atomic.Int32
}

const (
	noCut     int32 = iota
	cutBefore       // the server never sees the COMMIT
	cutAfter        // it has done it, and its answer is lost
)

// newCutter gives a cutter and the DSN of what is behind it.
func newCutter(t *testing.T, dsn string) (*cutter, string) {
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	const socket = ".s.PGSQL.5432"
	c := &cutter{t: t, server: filepath.Join(u.Query().Get("host"), socket)}
	dir, err := os.MkdirTemp("", "cut-") // short: it is part of a socket's name
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close(); os.RemoveAll(dir) })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go c.carry(client)
		}
	}()
	u.RawQuery = url.Values{"host": {dir}}.Encode()
	return c, u.String()
}

func (c *cutter) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", c.server)
	if err != nil {
		c.t.Error(err)
		return
	}
	defer server.Close()
	var deaf atomic.Bool
	answered := make(chan struct{}, 1)
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if deaf.Load() {
				answered <- struct{}{}
				return
			}
			if _, werr := client.Write(buffer[:n]); err != nil || werr != nil {
				client.Close()
				return
			}
		}
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		mode := c.mode.Load()
		if mode != noCut && bytes.Contains(buffer[:n], []byte("commit\x00")) {
			c.cuts.Add(1)
			if mode == cutAfter {
				deaf.Store(true)
				if _, err := server.Write(buffer[:n]); err == nil {
					<-answered
				}
			}
			return
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// A line that breaks at the COMMIT leaves it open whether there was one. The runs are sent
// again, and are there once in either case, and so is what their nodes are told of them.
func TestCutAtCommit(t *testing.T) {
	c, dsn := newCutter(t, startPostgres(t).create(t))
	s := openStore(t, dsn)
	f := &fleet{nodes: 7}
	stored := 0
	for _, tt := range []struct {
		name string
		mode int32
		want api.Status
	}{{"before", cutBefore, api.Stored}, {"after", cutAfter, api.AlreadyIn}, {"before again", cutBefore, api.Stored}} {
		batch := f.batch(10)
		for _, run := range batch {
			run.DroppedBefore = 1
		}
		if _, err := s.Put(t.Context(), time.Now(), f.batch(1)); err != nil { // its traits are known, and its line is open
			t.Fatal(err)
		}
		stored++
		c.mode.Store(tt.mode)
		if _, err := s.Put(t.Context(), time.Now(), batch); !errors.Is(err, collector.ErrBusy) {
			t.Errorf("%s: got %v, want %v", tt.name, err, collector.ErrBusy)
		}
		c.mode.Store(noCut)
		receipts, err := s.Put(t.Context(), time.Now(), batch)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range receipts {
			if r.Status != tt.want || r.Slot == nil {
				t.Errorf("%s: got %+v, want %s and a slot", tt.name, r, tt.want)
			}
		}
		stored += len(batch)
	}
	if got := c.cuts.Load(); got != 3 {
		t.Errorf("%d lines were cut at a COMMIT, want 3", got)
	}
	runs, _, err := s.Runs(t.Context(), collector.RunFilter{}, collector.Page{Limit: 500})
	if err != nil || len(runs) != stored {
		t.Errorf("%d runs are stored, %v; want %d", len(runs), err, stored)
	}
	sum, err := s.Summary(t.Context())
	if err != nil || sum.Nodes != 7 || sum.Dropped != 30 {
		t.Errorf("got %+v, %v; want 7 nodes that dropped 30 outcomes", sum, err)
	}
}
