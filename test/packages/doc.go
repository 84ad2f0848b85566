// Package packages looks at what `make package` makes: what is in it, and what the distributions' own
// tools say of it. What it does on a machine is test/systemd's.
package packages
