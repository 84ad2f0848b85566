// Package systemd holds the tests of the service on a real systemd with a real Puppet, in machines of test/machine. All
// but this file carries the build tag machine.
package systemd
