package puppet

import "strings"

// Options are what one run of Puppet is asked for.
type Options struct {
	Command     Command
	Manifest    string // of apply
	Confdir     string
	Certname    string
	Environment string
	Noop        *bool // nil: puppet.conf decides
	UseCache    *bool // usecacheonfailure; nil: puppet.conf decides
	Tags        []string
	SkipTags    []string
	JobID       string // of the agent
	ExtraArgs   []string

	// Of apply, which has no job id: where it leaves its summary and report, so
	// that they are this run's and overwrite no agent's.
	SummaryFile, ReportFile string
}

// NoCacheFallback reports whether Puppet is told not to fall back on a cached catalog.
func (o Options) NoCacheFallback() bool { return o.UseCache != nil && !*o.UseCache }

// Argv is the command line behind the program's name.
//
// --test is never used: it implies show_diff, which writes the content of files,
// secrets too, into logs and reports. A log destination of one's own would silence
// syslog, so both are named; the console is the run's output file.
func (o Options) Argv() []string {
	argv := []string{string(o.Command)}
	if o.Command == Agent {
		argv = append(argv, "--onetime", "--no-daemonize", "--no-splay")
	}
	argv = append(argv, "--detailed-exitcodes", "--color=false", "--verbose", "--logdest", "syslog,console")
	argv = append(argv, o.location()...)
	value := func(flag, v string) {
		if v != "" {
			argv = append(argv, flag, v)
		}
	}
	value("--certname", o.Certname)
	value("--environment", o.Environment)
	value("--tags", strings.Join(o.Tags, ","))
	value("--skip_tags", strings.Join(o.SkipTags, ","))
	onOff := func(name string, v *bool) {
		switch {
		case v == nil:
		case *v:
			argv = append(argv, "--"+name)
		default:
			argv = append(argv, "--no-"+name)
		}
	}
	onOff("noop", o.Noop)
	if o.Command == Agent {
		onOff("usecacheonfailure", o.UseCache)
		value("--job-id", o.JobID)
	} else {
		value("--lastrunfile", o.SummaryFile)
		value("--lastrunreport", o.ReportFile)
	}
	argv = append(argv, o.ExtraArgs...)
	if o.Command == Apply {
		argv = append(argv, o.Manifest)
	}
	return argv
}

// asked are the arguments that `puppet config print` must be given as well: they
// change its answers. --debug only makes it talk.
func (o Options) asked() []string {
	argv := o.location()
	if o.Certname != "" {
		argv = append(argv, "--certname", o.Certname)
	}
	for _, arg := range o.ExtraArgs {
		if arg != "--debug" {
			argv = append(argv, arg)
		}
	}
	return argv
}

func (o Options) location() []string {
	if o.Confdir == "" {
		return nil
	}
	return []string{"--confdir", o.Confdir}
}
