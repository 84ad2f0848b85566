// Package systemd holds the tests of the service, its packages and the Puppet module on a real systemd, or on another init,
// with a real Puppet, in machines of test/machine. All but this file carries the build tag machine.
package systemd
