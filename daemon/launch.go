package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// A Launcher starts the runner of a run, in a process that outlives this one.
type Launcher interface {
	// Launch returns when the runner was started, or could not be.
	Launch(ctx context.Context, id string) error
	String() string
}

// Detached starts the runner in a session of its own. When the service ends, it
// belongs to init.
type Detached struct {
	Program string
	Args    []string // before the command
	Log     *slog.Logger
	Ended   func() // called when a runner has ended
}

// Launch starts the runner. The context does not reach it: it must not die with us,
// and what it has to say it records.
func (d *Detached) Launch(_ context.Context, id string) error {
	cmd := exec.Command(d.Program, append(append([]string{}, d.Args...), "run", "--request", id)...)
	cmd.Dir, cmd.Env = "/", environ()
	cmd.Stderr = os.Stderr // the file itself: nobody need live to copy what is said
	cmd.SysProcAttr = ownSession()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot start a runner: %w", err)
	}
	go func() {
		if err := cmd.Wait(); err != nil {
			d.Log.Warn("a runner ended badly", "run", id, "error", err)
		}
		d.Ended()
	}()
	return nil
}

// environ is the environment without what the service manager told this process alone: who
// else speaks to it is not believed, and noted in the journal.
func environ() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains([]string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}, name)
	})
}

func (d *Detached) String() string { return "a process of its own" }
