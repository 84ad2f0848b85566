package atomicfile

// SyncDir does nothing: Windows has no way to flush a directory, NTFS journals
// its names.
func SyncDir(string) error { return nil }
