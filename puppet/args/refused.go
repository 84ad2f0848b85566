package args

// What several of the refused arguments have in common.
const (
	itself   = "puppet-cron passes it itself"
	oneRun   = "puppet-cron starts one run at a time, in the foreground"
	locks    = "puppet-cron reads Puppet's lock files where puppet.conf puts them"
	results  = "puppet-cron reads the outcome where puppet.conf puts it"
	disabler = "use puppet-cron disable and puppet-cron enable"
	commands = "it executes a command: set it in puppet.conf"
	dirs     = "puppet-cron must look where Puppet does: use puppet.confdir, or set it in puppet.conf"
	noRun    = "it keeps Puppet from making a run"
)

// refused explains the arguments that people are likely to try. Whatever is in
// neither list is refused as well, without a word of its own.
var refused = map[string]string{
	"test":      "it implies --show_diff, which writes the contents of files, secrets included, to the logs",
	"show_diff": "it writes the contents of files, secrets included, to the logs",

	"http_debug": "it writes requests and answers, secrets included, to the logs",

	"onetime":    oneRun,
	"daemonize":  oneRun,
	"splay":      "puppet-cron spreads the runs itself",
	"splaylimit": "puppet-cron spreads the runs itself",

	"noop":              "use puppet.noop, or puppet-cron run --noop for one run",
	"environment":       "use puppet.environment, or puppet-cron run --environment for one run",
	"tags":              "use puppet-cron run --tags for one run, or set it in puppet.conf",
	"skip_tags":         "use puppet-cron run --skip-tags for one run, or set it in puppet.conf",
	"certname":          "set it in puppet.conf (puppet.certname is for where Puppet cannot be asked)",
	"fqdn":              "it changes the certname: set that in puppet.conf",
	"usecacheonfailure": "use puppet.cached_catalog_on_failure",

	"runtimeout":         "use puppet.timeout",
	"waitforlock":        "use puppet.lock_wait",
	"maxwaitforlock":     "use puppet.lock_wait",
	"waitforcert":        "a run does not wait for a certificate: the next one tries again",
	"maxwaitforcert":     "a run does not wait for a certificate: the next one tries again",
	"priority":           "use puppet.nice",
	"job_id":             itself + ": use puppet.job_id to turn it off",
	"logdest":            itself,
	"color":              itself,
	"verbose":            itself,
	"detailed_exitcodes": itself,

	"config":    dirs,
	"confdir":   dirs,
	"codedir":   dirs,
	"vardir":    dirs,
	"logdir":    dirs,
	"statedir":  dirs,
	"publicdir": dirs,
	"rundir":    dirs,
	"ssldir":    dirs,

	"agent_catalog_run_lockfile": locks,
	"agent_disabled_lockfile":    locks,
	"pidfile":                    locks,
	"lastrunfile":                results,
	"lastrunreport":              results,
	"report":                     "puppet-cron reads the report: set it in puppet.conf",

	"prerun_command":  commands,
	"postrun_command": commands,
	"disable":         disabler,
	"enable":          disabler,

	"execute":     "it executes code: use puppet.manifest",
	"fingerprint": noRun,
	"configprint": noRun,
	"genconfig":   noRun,
	"genmanifest": noRun,
	"help":        noRun,
	"version":     noRun,
}
