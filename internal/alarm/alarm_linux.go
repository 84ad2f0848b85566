// Package alarm waits for long at little cost.
//
// Go's own timers are watched by a thread of its runtime, which polls every few
// microseconds from the moment a timer is due until the one that waits for it has got a
// processor: on a busy machine dozens of times, each a context switch. A timer of the
// kernel is watched by nobody. This one also goes on while the machine is suspended, so
// that it goes off when the machine is back, and not later by the rest of the wait.
package alarm

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Alarm is a clock that can be set to one time.
type Alarm struct {
	timer *os.File
	rings chan time.Time
}

// New makes an alarm, which stays until the process ends.
func New() (*Alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot make a timer: %w", err)
	}
	a := &Alarm{os.NewFile(uintptr(fd), "timerfd"), make(chan time.Time, 1)}
	go a.listen()
	return a, nil
}

// After is time.After, of which only the last call counts. It may also go off too soon.
func (a *Alarm) After(d time.Duration) <-chan time.Time {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(d, 1).Nanoseconds())}
	conn, err := a.timer.SyscallConn()
	if err == nil {
		failed := conn.Control(func(fd uintptr) { err = unix.TimerfdSettime(int(fd), 0, &spec, nil) })
		if failed != nil {
			err = failed
		}
	}
	if err != nil {
		return time.After(d)
	}
	return a.rings
}

func (a *Alarm) listen() {
	var times [8]byte
	for {
		if _, err := a.timer.Read(times[:]); err != nil {
			return
		}
		select {
		case a.rings <- time.Now():
		default:
		}
	}
}
