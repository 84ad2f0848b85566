// Package watch tells at once of files that were renamed into a directory, where the
// system can say so. It never replaces a look now and then: the kernel may forget, and a
// directory may be made anew.
package watch

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Watch tells of names until it is closed.
type Watch struct {
	events *os.File
	tell   func(name string)
}

// New makes a watch of no directory. What it sees it tells, from one goroutine: the name
// alone of what was renamed, and an empty name when something may have been overlooked.
func New(tell func(name string)) (*Watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot watch directories: %w", err)
	}
	w := &Watch{os.NewFile(uintptr(fd), "inotify"), tell}
	go w.listen()
	return w, nil
}

// Dir watches a directory, too. It may be called again and again: what is watched
// already stays so, and one that was made anew is found.
func (w *Watch) Dir(path string) error {
	conn, err := w.events.SyscallConn()
	if err != nil {
		return fmt.Errorf("cannot watch %s: %w", path, err)
	}
	failed := conn.Control(func(fd uintptr) {
		_, err = unix.InotifyAddWatch(int(fd), path, unix.IN_MOVED_TO|unix.IN_ONLYDIR|unix.IN_DONT_FOLLOW)
	})
	if failed != nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("cannot watch %s: %w", path, err)
	}
	return nil
}

// Close ends the watch.
func (w *Watch) Close() error { return w.events.Close() }

// listen ends with the file.
func (w *Watch) listen() {
	buf := make([]byte, 4096) // more than one event with the longest name
	for {
		n, err := w.events.Read(buf)
		if err != nil {
			return
		}
		for _, name := range names(buf[:n]) {
			w.tell(name)
		}
	}
}

// names are those in a list of events, as inotify(7) describes it.
func names(events []byte) []string {
	var all []string
	for len(events) >= unix.SizeofInotifyEvent {
		mask := binary.NativeEndian.Uint32(events[4:])
		size := int(binary.NativeEndian.Uint32(events[12:]))
		events = events[unix.SizeofInotifyEvent:]
		if size < 0 || size > len(events) {
			return append(all, "")
		}
		name, _, _ := bytes.Cut(events[:size], []byte{0})
		events = events[size:]
		if mask&(unix.IN_MOVED_TO|unix.IN_Q_OVERFLOW) != 0 {
			all = append(all, string(name)) // of an overflow it is empty
		}
	}
	return all
}
