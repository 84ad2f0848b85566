// Package lab runs a real puppetserver on loopback, and nodes with the real Puppet agent, for the end-to-end tests.
// All but this file carries the build tag lab.
package lab
