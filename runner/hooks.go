package runner

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/hook"
	"github.com/puppet-cron/puppet-cron/internal/printable"
	"github.com/puppet-cron/puppet-cron/puppet"
)

// HookLimits are how long the admin's hooks may take.
type HookLimits struct {
	Each, All time.Duration
	// Hurried takes the place of All when the runner was told to stop: whoever told it
	// will not wait for long.
	Hurried time.Duration
}

// DefaultHookLimits are generous for what tells somebody something.
func DefaultHookLimits() HookLimits {
	return HookLimits{Each: 30 * time.Second, All: 2 * time.Minute, Hurried: 10 * time.Second}
}

// HooksIn is the directory of the programs that hear of runs.
func HooksIn(c *config.Config) string { return filepath.Join(c.HooksDir, "post-run.d") }

// PostRun tells the admin's hooks of every run that this runner has recorded. By now
// nothing is locked any more: a hook that is slow keeps no run off, and whatever it
// does, the outcome stands.
func (r *Runner) PostRun(ctx context.Context) {
	recorded := r.recorded
	r.recorded = nil
	dir := HooksIn(r.Config)
	hooks, refused := hook.List(dir)
	if len(recorded) == 0 || len(hooks)+len(refused) == 0 {
		return
	}
	for _, err := range refused {
		r.Log.Warn("a hook is not executed", "error", err)
	}
	if slices.ContainsFunc(r.Environ, func(kv string) bool { return strings.HasPrefix(kv, hook.Mark+"=") }) {
		r.Log.Warn("a hook has started this run, so none is told of it: it would never end", "hooks", dir)
		return
	}
	ctx, cancel := r.hookTime(ctx)
	defer cancel()
	for _, run := range recorded {
		for _, path := range hooks {
			r.tell(ctx, path, run)
		}
	}
}

// hookTime bounds all hooks together. A runner that was told to stop tells them so
// nonetheless, in a hurry.
func (r *Runner) hookTime(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := r.HookLimits.All
	if ctx.Err() != nil {
		ctx, limit = context.WithoutCancel(ctx), r.HookLimits.Hurried
	}
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("all hooks together may take %v", limit))
}

// tell executes one hook. The record itself is its standard input: a plain file, which
// it may read or leave.
func (r *Runner) tell(ctx context.Context, path string, run *api.Run) {
	log := r.Log.With("hook", path, "run", run.ID)
	if ctx.Err() != nil {
		log.Warn("a hook is not executed", "error", context.Cause(ctx))
		return
	}
	record, err := os.Open(r.State.RecordFile(run.ID))
	if err != nil {
		log.Warn("a hook is not executed: there is no record that it could read", "error", err)
		return
	}
	defer record.Close()
	result := hook.Program{
		Path: path, Env: append(puppet.Environ(r.Environ), hookEnviron(run)...), Stdin: record,
		Limit: r.HookLimits.Each, Kind: "post-run", NotOurs: runMark,
	}.Run(ctx)
	logHook(log, result)
}

func logHook(log *slog.Logger, result hook.Result) {
	output := printable.Short(string(result.Output), maxHookOutput)
	switch {
	case result.Err != nil:
		log.Warn("a hook is broken", "error", result.Err, "output", output)
	case result.Exit != 0:
		log.Warn("a hook failed", "exit_code", result.Exit, "output", output)
	case output != "":
		log.Info("a hook was told", "output", output)
	default:
		log.Debug("a hook was told")
	}
	if left := result.Left(); left != "" {
		log.Warn("a hook left processes running", "processes", left)
	}
}

// maxHookOutput is how much of a hook's output is logged, in bytes.
const maxHookOutput = 2 << 10

// hookEnviron is the part of the record that anybody may see, for hooks that are a
// line of shell. What is not known is empty.
func hookEnviron(run *api.Run) []string {
	healthy := ""
	if run.Outcome.Executed() {
		healthy = strconv.FormatBool(run.Outcome.Healthy())
	}
	return []string{
		"PUPPET_CRON_ID=" + run.ID, "PUPPET_CRON_CERTNAME=" + run.Certname, "PUPPET_CRON_TRIGGER=" + string(run.Trigger),
		"PUPPET_CRON_OUTCOME=" + string(run.Outcome), "PUPPET_CRON_REASON=" + string(run.Reason), "PUPPET_CRON_HEALTHY=" + healthy,
		"PUPPET_CRON_MESSAGE=" + run.Message, "PUPPET_CRON_ENVIRONMENT=" + run.Environment, "PUPPET_CRON_NOOP=" + strconv.FormatBool(run.Noop),
	}
}
