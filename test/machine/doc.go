// Package machine boots machines with a real systemd and a real Puppet for the tests: systemd-nspawn on an overlay of one
// Debian tree, each with processes, services and network of its own. All but this file carries the build tag machine.
package machine
