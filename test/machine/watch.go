//go:build machine

package machine

import "time"

const (
	eventuallyTimeout  = time.Minute
	eventuallyInterval = 50 * time.Millisecond
)

// Eventually returns when f says so, and fails the test with the end of the journal if it does not within a minute.
func (m *Machine) Eventually(what string, f func() bool) {
	m.t.Helper()
	deadline := time.NewTimer(eventuallyTimeout)
	defer deadline.Stop()
	ticker := time.NewTicker(eventuallyInterval)
	defer ticker.Stop()
	for !f() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			tail, err := m.Run("sh", "-c", "journalctl --no-pager --lines=40 || tail -n 40 /var/log/*.log")
			m.t.Fatalf("not within %s: %s\n%s%v", eventuallyTimeout, what, tail, err)
		}
	}
}

// Journal is what the machine's journal has of a unit, of all its boots.
func (m *Machine) Journal(unit string) string {
	m.t.Helper()
	return m.MustRun("journalctl", "--no-pager", "--output=short-precise", "--unit="+unit)
}
