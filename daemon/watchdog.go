package daemon

import "time"

// keepFed feeds the watchdog until stop is called: while something goes on that has
// bounds of its own. What has none must not be fed for, or a hang is never seen.
func (d *Daemon) keepFed() (stop func()) {
	if d.Watchdog <= 0 {
		return func() {}
	}
	tick := time.NewTicker(d.Watchdog / 2)
	enough, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				d.Tell("WATCHDOG=1")
			case <-enough:
				return
			}
		}
	}()
	return func() {
		close(enough)
		<-ended
	}
}
