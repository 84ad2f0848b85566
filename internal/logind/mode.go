package logind

import "errors"

// Mode is what a lock does to a shutdown.
type Mode string

// The modes.
const (
	Delay Mode = "delay" // it waits, for as long as logind.conf says: 5 s
	Block Mode = "block" // it is refused, and one that is forced waits
)

// ErrAbsent says that this system has no logind.
var ErrAbsent = errors.New("there is no systemd-logind")
