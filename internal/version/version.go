// Package version says which puppet-cron this is.
package version

import "runtime/debug"

// release is set by the linker: -X .../internal/version.release=0.1.0.
var release string

// String is the release, or for a build without one what the Go toolchain noted.
func String() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
