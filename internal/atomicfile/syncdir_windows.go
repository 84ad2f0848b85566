package atomicfile

import "os"

// SyncDir does nothing: Windows has no way to flush a directory, NTFS journals
// its names.
func SyncDir(string) error { return nil }

// SyncRoot does nothing either.
func SyncRoot(*os.Root) error { return nil }
