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

	inProgress = service + ".OperationInProgress" // too late for a lock

	// timeout is what a bus that hangs may cost a run.
	timeout = 3 * time.Second
)

// Inhibit takes an inhibitor lock. Release gives it back; so does the end of this
// process. When the system goes down already there is no lock any more, and what is
// returned says so.
func Inhibit(mode Mode, who, why string) (*Lock, error) {
	return inhibit(socket, timeout, mode, who, why)
}

func inhibit(socket string, timeout time.Duration, mode Mode, who, why string) (*Lock, error) {
	if _, err := os.Stat(socket); errors.Is(err, fs.ErrNotExist) {
		return nil, ErrAbsent
	}
	ctx, cancel := context.WithCancelCause(context.Background()) // closes the connection
	defer time.AfterFunc(timeout, func() { cancel(fmt.Errorf("no answer within %s", timeout)) }).Stop()
	l := &Lock{close: func() { cancel(nil) }, down: make(chan struct{})}
	err := l.take(ctx, socket, mode, who, why)
	if err == nil {
		return l, nil
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause // it says more than that the connection was closed
	}
	l.Release()
	if errors.Is(err, ErrAbsent) {
		return nil, err
	}
	return nil, fmt.Errorf("cannot take an inhibitor lock of systemd-logind by %s: %w", socket, err)
}

// Lock is an inhibitor lock.
type Lock struct {
	close func()
	files []*os.File
	down  chan struct{}
	once  sync.Once
}

// take listens before it looks, so that no beginning of a shutdown is missed.
func (l *Lock) take(ctx context.Context, socket string, mode Mode, who, why string) error {
	bus, err := dbus.Connect("unix:path="+socket, dbus.WithContext(ctx))
	if err != nil {
		return err
	}
	match := []dbus.MatchOption{dbus.WithMatchObjectPath(object), dbus.WithMatchInterface(manager), dbus.WithMatchMember(signal)}
	if err := bus.AddMatchSignalContext(ctx, match...); err != nil {
		return err
	}
	signals := make(chan *dbus.Signal, 4)
	bus.Signal(signals)
	go l.listen(signals)

	logind := bus.Object(service, object)
	for _, m := range mode.locks() {
		var fd dbus.UnixFD
		err := logind.CallWithContext(ctx, manager+".Inhibit", 0, "shutdown", who, why, string(m)).Store(&fd)
		if refusal, ok := errors.AsType[dbus.Error](err); ok && refusal.Name == inProgress {
			l.goDown()
			return nil
		}
		if err != nil {
			return absentOr(ctx, bus, err)
		}
		l.files = append(l.files, os.NewFile(uintptr(fd), "inhibitor"))
	}
	return l.look(ctx, logind)
}

// locks are the locks that make a mode: who forces a shutdown passes by one that blocks,
// and still waits for one that delays.
func (m Mode) locks() []Mode {
	if m == Block {
		return []Mode{Delay, Block}
	}
	return []Mode{m}
}

// absentOr is ErrAbsent where logind does not run although the bus had to start it. Why
// not has many names: it is not installed, it is masked, the system goes down.
func absentOr(ctx context.Context, bus *dbus.Conn, err error) error {
	runs := true
	if ask := bus.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, service).Store(&runs); ask == nil && !runs {
		return ErrAbsent
	}
	return err
}

// look asks whether the system goes down already.
func (l *Lock) look(ctx context.Context, logind dbus.BusObject) error {
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
	for _, f := range l.files {
		f.Close()
	}
	l.close()
}
