// Package condition looks whether one of the admin's conditions keeps a scheduled run
// off. What cannot be looked at, or is broken, keeps nothing off: it is a warning.
package condition

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/hook"
)

// Looker looks at this machine.
type Looker struct {
	Environ []string // of the command
	NotOurs string   // see hook.Program
	Limit   time.Duration
	Sys     string // /sys and /proc, or what stands for them
	Proc    string
	Cores   int
}

// commandLimit is how long the admin's command may think.
const commandLimit = 30 * time.Second

// New makes a Looker.
func New(environ []string, notOurs string) *Looker {
	return &Looker{Environ: environ, NotOurs: notOurs, Limit: commandLimit, Sys: "/sys", Proc: "/proc", Cores: runtime.NumCPU()}
}

// Verdict is what the conditions say.
type Verdict struct {
	Skip     string // why no run may start now; empty when one may
	Warnings []string
}

// Look looks at the conditions until one keeps the run off, the cheapest first.
func (l *Looker) Look(ctx context.Context, when config.SkipWhen) Verdict {
	var v Verdict
	for _, look := range []func(context.Context, config.SkipWhen) (string, error){l.battery, l.file, l.load, l.command} {
		skip, err := look(ctx, when)
		if err != nil {
			v.Warnings = append(v.Warnings, fmt.Sprintf("schedule.skip_when.%v; it keeps no run off", err))
		}
		if skip != "" {
			v.Skip = skip
			return v
		}
	}
	return v
}

func (l *Looker) battery(_ context.Context, when config.SkipWhen) (string, error) {
	if when.Battery && OnBattery(l.Sys) {
		return "the machine runs on its battery", nil
	}
	return "", nil
}

func (l *Looker) file(_ context.Context, when config.SkipWhen) (string, error) {
	if when.File == "" {
		return "", nil
	}
	_, err := os.Lstat(when.File)
	switch {
	case err == nil:
		return when.File + " exists", nil
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	}
	return "", fmt.Errorf("file: cannot tell whether it is there: %w", err)
}

func (l *Looker) load(_ context.Context, when config.SkipWhen) (string, error) {
	if when.LoadPerCore == 0 {
		return "", nil
	}
	load, err := loadAverage(l.Proc)
	if err != nil {
		return "", fmt.Errorf("load_per_core: cannot tell the load of this machine: %w", err)
	}
	if per := load / float64(l.Cores); per > when.LoadPerCore {
		return fmt.Sprintf("the load per core is %.2f, above %g", per, when.LoadPerCore), nil
	}
	return "", nil
}

// loadAverage is that of the last minute.
func loadAverage(proc string) (float64, error) {
	text, err := os.ReadFile(proc + "/loadavg")
	if err != nil {
		return 0, err
	}
	minute, _, _ := strings.Cut(string(text), " ")
	return strconv.ParseFloat(minute, 64)
}

// mostNo is the highest exit code that says no. Those from 126 on are what a shell says
// when it could not execute a program, or when a signal ended one.
const mostNo = 125

func (l *Looker) command(ctx context.Context, when config.SkipWhen) (string, error) {
	if len(when.Command) == 0 {
		return "", nil
	}
	path := when.Command[0]
	r := hook.Program{
		Path: path, Args: when.Command[1:], Env: l.Environ, Limit: l.Limit, Kind: "condition", NotOurs: l.NotOurs,
	}.Run(ctx)
	said := hook.FirstLine(r.Output)
	err := broken(path, r, said)
	switch {
	case r.Err != nil || r.Exit == 0 || r.Exit > mostNo:
		return "", err
	case said == "":
		said = fmt.Sprintf("no, with exit code %d and no word why", r.Exit)
	}
	return path + " says: " + said, err
}

// broken says what is wrong with the command, whatever its answer.
func broken(path string, r hook.Result, said string) error {
	switch {
	case errors.Is(r.Err, hook.ErrRefused):
		return fmt.Errorf("command: %w", r.Err) // it names the path
	case r.Err != nil:
		return fmt.Errorf("command: %s %w", path, r.Err)
	case r.Exit > mostNo && said != "":
		return fmt.Errorf("command: %s ended with exit code %d, which is no answer: %s", path, r.Exit, said)
	case r.Exit > mostNo:
		return fmt.Errorf("command: %s ended with exit code %d, which is no answer", path, r.Exit)
	case len(r.Ended)+len(r.Living) > 0:
		return fmt.Errorf("command: %s left processes running: %s", path, r.Left())
	}
	return nil
}
