package scheduler

// WindowMode is what a window does to the runs that come by themselves.
type WindowMode string

// The modes.
const (
	WindowRun  WindowMode = "run"  // they run, as without windows
	WindowNoop WindowMode = "noop" // they run and change nothing
	WindowSkip WindowMode = "skip" // they do not run
)

// Window is what the windows of a schedule say of a time. The zero Window is one
// without any.
type Window struct {
	Mode WindowMode
	Why  string
}
