package safepath

// check accepts everything: on Windows access is granted by ACLs, which have
// neither one owner to compare nor mode bits, and creating a symlink takes a
// privilege that ordinary users do not have.
func check(string) error { return nil }

func checkOwn(string) error { return nil }
