package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/daemon"
	"github.com/puppet-cron/puppet-cron/internal/logind"
	"github.com/puppet-cron/puppet-cron/internal/printable"
	"github.com/puppet-cron/puppet-cron/internal/process"
	"github.com/puppet-cron/puppet-cron/internal/version"
	"github.com/puppet-cron/puppet-cron/node"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/splay"
	"github.com/puppet-cron/puppet-cron/state"
)

func newStatusCommand(p *program) *cobra.Command {
	var asJSON, banner bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Say how this node is, what ran last, and what keeps Puppet from running",
		Long: `Say how this node is, what ran last, and what keeps Puppet from running.

It needs neither root nor a service. What this user may not see is named as not
known, or shown as the last run saw it.

Exit codes: 0 healthy, 1 not healthy, 3 cannot tell; 64 wrong usage or
configuration.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if banner {
				return p.banner()
			}
			return p.status(asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&banner, "banner", false, "for logins: print who keeps Puppet off, or nothing; the exit code is 0")
	return c
}

// banner is silent when nothing is held.
func (p *program) banner() error {
	cfg, err := p.loadConfig()
	if err != nil {
		return err
	}
	for _, line := range node.Banner(node.Source{State: state.View(cfg.StateDir), Now: time.Now()}) {
		fmt.Fprintf(p.stdout, "puppet-cron: %s\n", printable.Line(line))
	}
	return nil
}

func (p *program) status(asJSON bool) error {
	cfg, err := p.loadConfig()
	if err != nil {
		return err
	}
	s, err := look(cfg)
	if err != nil {
		return err
	}
	if asJSON {
		err = p.printJSON(s)
	} else {
		err = p.showStatus(s)
	}
	if err != nil {
		return err
	}
	switch s.Health {
	case node.Healthy:
		return nil
	case node.Unhealthy:
		return exitError(1)
	}
	return exitError(3)
}

// look makes the status of the node: the one source of all that is said of it.
func look(cfg *config.Config) (*node.Status, error) {
	src, err := source(cfg)
	if err != nil {
		return nil, err
	}
	return node.Look(src), nil
}

func source(cfg *config.Config) (node.Source, error) {
	dir := state.View(cfg.StateDir)
	spec, err := daemon.NewSpec(cfg, certnameOf(dir, cfg)(), daemon.Slot(cfg, dir))
	if err != nil {
		return node.Source{}, err
	}
	src := node.Source{
		State: dir, Roots: puppet.SystemRoots(), Version: version.String(), Now: time.Now(), Spec: spec,
		Conditions: cfg.Schedule.SkipWhen.String(), Shutdown: logind.Scheduled(), ReportTo: cfg.Reporter.URL,
	}
	if up := process.Uptime(); up > 0 {
		src.Booted = src.Now.Add(-up)
	}
	return src, nil
}

func (p *program) showStatus(s *node.Status) error {
	name := s.Certname
	if name == "" {
		name = "this node"
	}
	colour := map[node.Health]api.Outcome{node.Healthy: api.Unchanged, node.Unhealthy: api.Failed, node.Unknown: api.Skipped}[s.Health]
	fmt.Fprintf(p.stdout, "%s is %s: %s\n", name, p.coloured(colour, string(s.Health)), printable.Line(s.Why))
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	line := func(label, format string, a ...any) {
		fmt.Fprintf(w, "  %s\t%s\n", label, printable.Line(fmt.Sprintf(format, a...)))
	}
	statusService(line, s)
	statusRuns(line, s)
	statusLocks(line, s)
	for i, sched := range s.Schedulers {
		line(first(i, "also scheduled by"), "%s", sched)
	}
	if len(s.Schedulers) == 0 {
		line("also scheduled by", "nothing that was found%s", asSeen(s, node.Schedulers))
	}
	statusReporting(line, s)
	if s.CertificateEnds != nil {
		line("certificate", "ends %s, %s", s.CertificateEnds.Local().Format(time.DateOnly), ago(s.At, *s.CertificateEnds))
	}
	for i, n := range s.NotKnown {
		line(first(i, "not known"), "%s", n)
	}
	return w.Flush()
}

type liner func(label, format string, a ...any)

func statusService(line liner, s *node.Status) {
	v := s.Service
	switch {
	case v == nil:
		return
	case !v.Alive:
		line("service", "not running")
		return
	case v.Since != nil:
		line("service", "running since %s, pid %d", span(s.At.Sub(*v.Since)), v.PID)
	}
	if v.NextDue != nil {
		line("next run", "%s, %s (%s)", ago(s.At, *v.NextDue), moment(*v.NextDue), v.NextWhy)
	}
	if v.NextSkipped != "" {
		line("", "will be skipped: %s", v.NextSkipped)
	}
	if v.OffsetS != nil && v.OffsetFrom != "" {
		line("place in time", "%s after the schedule, from %s", seconds(*v.OffsetS), placeFrom(v.OffsetFrom))
	}
	if v.ConfigError != "" {
		line("configuration", "the changed file is refused, the old one is in force: %s", v.ConfigError)
	}
	if v.LastError != "" {
		line("last trouble", "%s", v.LastError)
	}
}

func placeFrom(s splay.Source) string {
	if s == splay.FromSlot {
		return "the collector's slot"
	}
	return "the certname"
}

func statusRuns(line liner, s *node.Status) {
	if r := s.Running; r != nil {
		switch {
		case r.CutOff():
			line("cut off", "run %s, begun %s", r.ID, ago(s.At, r.Since))
		case !r.RunnerAlive:
			line("running", "run %s, since %s; its runner was killed, the next run looks after it", r.ID, span(s.At.Sub(r.Since)))
		default:
			line("running", "%s (%s), since %s, run %s", r.Phase, r.Trigger, span(s.At.Sub(r.Since)), r.ID)
		}
	}
	told := map[string]bool{}
	lastRun(line, s.At, "last run", s.Last, told)
	if s.LastExecuted != nil && (s.Last == nil || s.Last.ID != s.LastExecuted.ID) {
		lastRun(line, s.At, "last not skipped", s.LastExecuted, told)
	}
	if s.Failing != nil && *s.Failing > 1 {
		line("failing", "%d runs in a row", *s.Failing)
	}
	lastRun(line, s.At, "last change", s.LastChange, told)
	lastRun(line, s.At, "last success", s.LastSuccess, told)
}

// lastRun says all there is of a run once, however many times it is the last one.
func lastRun(line liner, now time.Time, label string, r *api.Run, told map[string]bool) {
	if r == nil || r.Ended == nil {
		line(label, "none yet")
		return
	}
	line(label, "%s, %s (%s, %s)", node.Describe(r), ago(now, *r.Ended), moment(*r.Ended), r.Trigger)
	if told[r.ID] {
		return
	}
	told[r.ID] = true
	line("", "%s", r.Message)
	for _, w := range r.Warnings {
		line("", "warning: %s", w)
	}
}

func statusLocks(line liner, s *node.Status) {
	line("disabled", "%s%s", disabled(s), asSeen(s, node.Disabled))
	statusHolds(line, s)
	switch l := s.PuppetLock; {
	case l != nil:
		line("puppet's lock", "%s, since %s", l, ago(s.At, l.Since))
	case !s.PuppetKnown():
		line("puppet's lock", beforeFirst)
	case s.Saw(node.PuppetLock):
		line("puppet's lock", "free")
	default:
		line("puppet's lock", "not known: this user may not see it")
	}
	if s.IfDueWhy != s.IfAskedWhy {
		wouldBe(line, "a scheduled run", s.IfDue, s.IfDueWhy)
	}
	wouldBe(line, "a run now", s.IfAsked, s.IfAskedWhy)
}

func wouldBe(line liner, label string, verb scheduler.Verb, why string) {
	switch {
	case verb == "":
		line(label, "cannot tell: %s", why)
	case verb == scheduler.Start && why != "":
		line(label, "would start %s", why)
	case why != "":
		line(label, "would %s: %s", verb, why)
	}
}

func statusHolds(line liner, s *node.Status) {
	for i, one := range s.Holds {
		line(first(i, "held by"), "%s", holdLine(s.At, one))
	}
	if l := s.Lifted; l != nil && l.Restored != nil {
		line("", "puppet's own disable file was gone (a plain `puppet agent --enable` removes it) and was put back %s", ago(s.At, *l.Restored))
	}
	if l := s.Lifted; l != nil && l.Missing {
		line("", "puppet's own disable file is gone (a plain `puppet agent --enable` removes it); the service or the next run puts it back")
	}
}

// beforeFirst is said of Puppet's files: nobody knows where they are.
const beforeFirst = "not known before the first run"

func disabled(s *node.Status) string {
	switch d := s.Disabled; {
	case d == nil && !s.PuppetKnown():
		return beforeFirst
	case d == nil:
		return "no"
	case !d.Plain():
		return "by " + d.By + ", see below"
	case d.Since == nil:
		return "yes: " + d.Reason
	default:
		return fmt.Sprintf("since %s (%s): %s", ago(s.At, *d.Since), moment(*d.Since), d.Reason)
	}
}

// asSeen marks what this user may not look at: it is as it was, not as it is.
func asSeen(s *node.Status, i node.Item) string {
	if s.Saw(i) || s.Seen == nil {
		return ""
	}
	return fmt.Sprintf(" (as root saw it %s; this user may not)", ago(s.At, *s.Seen))
}

// first gives a list one label.
func first(i int, label string) string {
	if i > 0 {
		return ""
	}
	return label
}
