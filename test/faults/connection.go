package faults

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// serve sees a connection to its end.
func (i *Injector) serve(client *net.TCPConn) {
	if !i.keep(client) {
		return
	}
	defer i.forget(client)
	l := i.draw()
	switch l.fate {
	case Refuse:
		reset(client)
	case Silence:
		client.SetDeadline(time.Now().Add(i.config.Patience))
		io.Copy(io.Discard, client)
	case Stranger:
		client.SetDeadline(time.Now().Add(i.config.Patience))
		i.answer(client, l)
	default:
		i.pass(client, l)
	}
}

// pass brings client and server together, and does the fate's harm to what they say.
func (i *Injector) pass(client *net.TCPConn, l lot) {
	conn, err := net.DialTimeout("tcp", i.config.Server(), i.config.Patience)
	if err != nil { // nobody is there, which the client would have been told at once
		reset(client)
		return
	}
	server := conn.(*net.TCPConn)
	if !i.keep(server) {
		return
	}
	defer i.forget(server)
	if l.fate == Reset {
		timer := time.AfterFunc(l.after, func() { reset(client); reset(server) })
		defer timer.Stop()
	}
	heard := new(atomic.Int64) // by the server
	var both sync.WaitGroup
	both.Go(func() {
		relay(server, client, func(said []byte) ([]byte, bool) { heard.Add(int64(len(said))); return said, true })
	})
	both.Go(func() { relay(client, server, i.harm(client, l, heard)) })
	both.Wait()
}

// relay passes on what through leaves of the words of from, until it wants no more or one of them ends.
func relay(to, from *net.TCPConn, through func(said []byte) (rest []byte, more bool)) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		rest, more := through(buffer[:n])
		if len(rest) > 0 {
			if _, broken := to.Write(rest); broken != nil {
				err = broken
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			to.CloseWrite()
			return
		case err != nil || !more:
			reset(to)
			reset(from)
			return
		}
	}
}

// harm is what a fate does to the words of the server.
func (i *Injector) harm(client *net.TCPConn, l lot, heard *atomic.Int64) func(said []byte) ([]byte, bool) {
	switch l.fate {
	case Cut:
		left := l.bytes
		return func(said []byte) ([]byte, bool) {
			n := min(left, len(said))
			left -= n
			return said[:n], left > 0
		}
	case Unheard:
		return func(said []byte) ([]byte, bool) {
			if heard.Load() < int64(l.bytes) {
				return said, true
			}
			return nil, false
		}
	case Swallow:
		return func(said []byte) ([]byte, bool) {
			if heard.Load() < int64(l.bytes) {
				return said, true
			}
			l.bytes = 0 // from now on
			client.SetDeadline(time.Now().Add(i.config.Patience))
			return nil, true
		}
	case Delay:
		return func(said []byte) ([]byte, bool) {
			select {
			case <-time.After(time.Duration(l.dice.Float64() * float64(i.config.Patience) / 20)):
			case <-i.done:
			}
			return said, true
		}
	}
	return func(said []byte) ([]byte, bool) { return said, true }
}
