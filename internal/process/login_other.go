//go:build !linux

package process

// LoginUID cannot tell here.
func LoginUID() (string, bool) { return "", false }
