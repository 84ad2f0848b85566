package runner

// StopCause is why this process was sent TERM, as far as the system tells: the end of
// the system, or else somebody's wish. It asks now, so call it when the signal comes.
func StopCause() error {
	if goesDown() {
		return ErrShutdown
	}
	return ErrSignalled
}
