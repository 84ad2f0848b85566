// Package logind keeps a shutdown of the system waiting while something goes on, and
// says when one comes. It is of use where systemd-logind is, and harmless elsewhere.
package logind

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	socket  = "/run/dbus/system_bus_socket"
	service = "org.freedesktop.login1"
	object  = "/org/freedesktop/login1"
	manager = service + ".Manager"
	signal  = "PrepareForShutdown"

	noService = "org.freedesktop.DBus.Error.ServiceUnknown"

	// timeout is what a bus that hangs may cost a run.
	timeout = 3 * time.Second
)

// Inhibit takes an inhibitor lock. Release gives it back; so does the end of this
// process.
func Inhibit(mode Mode, who, why string) (*Lock, error) {
	if _, err := os.Stat(socket); errors.Is(err, fs.ErrNotExist) {
		return nil, ErrAbsent
	}
	ctx, cancel := context.WithCancel(context.Background()) // closes the connection
	defer time.AfterFunc(timeout, cancel).Stop()
	bus, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, fmt.Errorf("cannot reach the system's bus: %w", err)
	}
	l := &Lock{bus: bus, close: cancel, down: make(chan struct{})}
	if err := l.take(ctx, mode, who, why); err != nil {
		l.Release()
		if answer := new(dbus.Error); errors.As(err, answer) && answer.Name == noService {
			return nil, ErrAbsent
		}
		return nil, fmt.Errorf("cannot take an inhibitor lock of systemd-logind: %w", err)
	}
	return l, nil
}

// Lock is an inhibitor lock.
type Lock struct {
	bus   *dbus.Conn
	close func()
	file  *os.File
	down  chan struct{}
	once  sync.Once
}

// take listens before it looks, so that no beginning of a shutdown is missed.
func (l *Lock) take(ctx context.Context, mode Mode, who, why string) error {
	match := []dbus.MatchOption{dbus.WithMatchObjectPath(object), dbus.WithMatchInterface(manager), dbus.WithMatchMember(signal)}
	if err := l.bus.AddMatchSignalContext(ctx, match...); err != nil {
		return err
	}
	signals := make(chan *dbus.Signal, 4)
	l.bus.Signal(signals)
	go l.listen(signals)

	logind := l.bus.Object(service, object)
	var fd dbus.UnixFD
	if err := logind.CallWithContext(ctx, manager+".Inhibit", 0, "shutdown", who, why, string(mode)).Store(&fd); err != nil {
		return err
	}
	l.file = os.NewFile(uintptr(fd), "inhibitor")
	var begun dbus.Variant
	err := logind.CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, manager, "PreparingForShutdown").Store(&begun)
	if begun.Value() == true {
		l.goDown()
	}
	return err
}

func (l *Lock) listen(signals <-chan *dbus.Signal) {
	for s := range signals {
		if s.Name == manager+"."+signal && len(s.Body) == 1 && s.Body[0] == true {
			l.goDown()
		}
	}
}

func (l *Lock) goDown() { l.once.Do(func() { close(l.down) }) }

// GoingDown is closed when the system begins to go down, or has begun already.
func (l *Lock) GoingDown() <-chan struct{} { return l.down }

// Release lets a shutdown go on.
func (l *Lock) Release() {
	if l.file != nil {
		l.file.Close()
	}
	l.close()
}
