// Package faults is a bad network for tests: a proxy on 127.0.0.1 that passes bytes through, and to a share of the
// connections does what networks and strangers in between do. TLS stays end to end, for it looks into no byte.
package faults

import (
	"crypto/tls"
	"maps"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Fate is what becomes of a connection.
type Fate string

// The fates.
const (
	Pass     Fate = "pass"     // all goes through
	Refuse   Fate = "refuse"   // reset before a byte went through
	Reset    Fate = "reset"    // reset after a while, wherever the two of them are
	Cut      Fate = "cut"      // closed in the middle of what the server says
	Unheard  Fate = "unheard"  // the request gets through, and the answer is lost with the connection
	Silence  Fate = "silence"  // accepted, and nobody is there
	Swallow  Fate = "swallow"  // the request gets through, and the answer never comes
	Delay    Fate = "delay"    // all goes through, slowly
	Stranger Fate = "stranger" // somebody else answers: a proxy, a balancer, a portal
)

// Fates are all but Pass.
var Fates = []Fate{Refuse, Reset, Cut, Unheard, Silence, Swallow, Delay, Stranger}

// Config is what an Injector does.
type Config struct {
	// Server gives the address that connections go to, for each of them anew.
	Server func() string
	// Seed makes the fates the same for the same order of connections.
	Seed uint64
	// Odds are each fate's share of the connections, in all at most 1. The rest passes.
	Odds map[Fate]float64
	// Patience bounds a connection that is silent, slow or to be reset.
	Patience time.Duration
	// TLS is the stranger's; nil: he speaks plain HTTP.
	TLS *tls.Config
}

// Injector is the network. Its zero value is of no use: see Listen.
type Injector struct {
	config   Config
	listener net.Listener
	serving  sync.WaitGroup
	done     chan struct{} // closed by Close

	mu     sync.Mutex
	random *rand.Rand
	healed bool
	closed bool
	open   map[net.Conn]struct{} // both ends of each
	counts map[Fate]int
}

// Listen opens the network on a free port of 127.0.0.1. Close ends it.
func Listen(c Config) (*Injector, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &Injector{
		config:   c,
		listener: listener,
		done:     make(chan struct{}),
		random:   rand.New(rand.NewPCG(c.Seed, 0)),
		open:     map[net.Conn]struct{}{},
		counts:   map[Fate]int{},
	}
	i.serving.Go(i.accept)
	return i, nil
}

// Addr is where clients connect to.
func (i *Injector) Addr() string { return i.listener.Addr().String() }

// Heal makes a good network of it: all connections are closed, and each one from now on passes.
func (i *Injector) Heal() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.healed = true
	i.closeAll()
}

// Drop resets all connections that there are.
func (i *Injector) Drop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closeAll()
}

// Counts says how many connections met which fate so far.
func (i *Injector) Counts() map[Fate]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.counts)
}

// Close ends all connections and returns when nothing of it is left.
func (i *Injector) Close() {
	i.mu.Lock()
	i.closed = true
	close(i.done)
	i.listener.Close()
	i.closeAll()
	i.mu.Unlock()
	i.serving.Wait()
}

func (i *Injector) accept() {
	for {
		conn, err := i.listener.Accept()
		if err != nil {
			return
		}
		i.serving.Go(func() { i.serve(conn.(*net.TCPConn)) })
	}
}

// keep notes a connection for Close; it reports false, and closes it, when that is over.
func (i *Injector) keep(conn net.Conn) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		reset(conn)
		return false
	}
	i.open[conn] = struct{}{}
	return true
}

func (i *Injector) forget(conn net.Conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.open, conn)
	conn.Close()
}

func (i *Injector) closeAll() {
	for conn := range i.open {
		reset(conn)
	}
}

// reset closes a connection as a machine does that forgot it.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// lot is what the dice say of one connection.
type lot struct {
	fate  Fate
	after time.Duration // until it is reset
	bytes int           // that get through
	dice  *rand.Rand    // for what follows
}

func (i *Injector) draw() lot {
	i.mu.Lock()
	defer i.mu.Unlock()
	l := lot{fate: Pass, dice: rand.New(rand.NewPCG(i.random.Uint64(), 0))}
	throw := i.random.Float64()
	for _, fate := range Fates {
		if throw -= i.config.Odds[fate]; throw < 0 {
			l.fate = fate
			break
		}
	}
	if i.healed {
		l.fate = Pass
	}
	// Short ones as often as long ones: what matters happens in the first round trips.
	l.after = time.Duration(float64(i.config.Patience) * l.dice.ExpFloat64() / 20)
	l.bytes = 1 << l.dice.IntN(13)
	l.bytes += l.dice.IntN(l.bytes)
	i.counts[l.fate]++
	return l
}
