package settings

import "os"

// owner leaves files to whoever writes them: an owner here is no number.
func owner(*os.Root) (uid, gid int, err error) { return -1, -1, nil }
