// Package splay gives every node its own place in time, so that a fleet with one
// schedule does not start its runs all at once. It is pure.
//
// A node's place is a fraction from 0 up to but not including 1, and its offset is
// that part of the window. The fraction is made from the certname alone. It is
// therefore the same after a restart, a reboot and a new installation, no two
// parties need to talk about it, and everybody can compute it.
package splay

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Mode says what a fraction is made from.
type Mode string

// The modes.
const (
	Hash Mode = "hash" // the certname
	Slot Mode = "slot" // what the collector gives, the certname until it does
	None Mode = "none" // there is no splay; catch-up runs are spread all the same
)

// Source is what a fraction was made from in the end.
type Source string

// The sources.
const (
	FromHash    Source = "hash"
	FromSlot    Source = "slot"
	FromStandIn Source = "stand-in" // it will move, so it is not worth publishing
)

// Identity is what tells one node from the others.
type Identity struct {
	Certname string
	// Slot is the fraction that the collector gave, nil when it gave none.
	Slot *float64
	// StandIn is used while the certname is not known: the host name, say. A fleet
	// that is installed at one time has no certnames yet and must not start as one.
	StandIn string
}

// Share is a node's place, and where it is from.
type Share struct {
	Fraction float64
	Source   Source
}

// Share returns the node's place. A slot that is none is as good as no slot.
func (id Identity) Share(mode Mode) Share {
	switch {
	case mode == Slot && id.Slot != nil && Valid(*id.Slot):
		return Share{*id.Slot, FromSlot}
	case id.Certname == "":
		return Share{Fraction(id.StandIn), FromStandIn}
	default:
		return Share{Fraction(id.Certname), FromHash}
	}
}

// Valid reports whether f is a fraction; NaN is not.
func Valid(f float64) bool { return f >= 0 && f < 1 }

// Fraction maps a name to a fraction, evenly: the first 53 bits of its SHA-256,
// which is all that a float64 holds. A part of a day is exact to the nanosecond.
func Fraction(certname string) float64 {
	const bits = 53
	sum := sha256.Sum256([]byte(certname))
	return float64(binary.BigEndian.Uint64(sum[:])>>(64-bits)) / (1 << bits)
}

// Offset is the given part of the window, always less than all of it.
func Offset(fraction float64, window time.Duration) time.Duration {
	if window <= 0 || !Valid(fraction) {
		return 0
	}
	return min(time.Duration(fraction*float64(window)), window-1)
}
