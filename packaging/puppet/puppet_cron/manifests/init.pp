# @summary Runs Puppet on time by puppet-cron, in the place of whatever ran it before.
#
# Each key of the program's configuration is a parameter, named by its path: `schedule.every`
# is `schedule_every`. What is left out keeps the program's default. `puppet-cron config
# reference` explains every key, and the program checks the file before it is put in place.
#
# @example Every half hour, each node at a place of its own
#   include puppet_cron
#
# @param ensure
#   `absent` gives what was replaced back, and removes puppet-cron; its state stays.
# @param manage_package
#   Whether this module installs the package at all.
# @param package_ensure
#   What the package type takes: `installed`, `latest`, or a version.
# @param package_source
#   A package file: a path on the node, `puppet:///…` or a URL. The node's repositories
#   otherwise. With `package_ensure => latest` another file is an upgrade, or a downgrade.
# @param package_sha256
#   The SHA-256 of the package file, in hexadecimal.
# @param package_provider
#   What installs a package file; Hiera data of this module know it.
# @param service_ensure
#   Whether the service runs.
# @param service_enable
#   Whether it is started at boot.
# @param replace_others
#   Whether Puppet's own service, timers and crontab lines that run Puppet are stopped.
# @param schedule_every
#   The time between two runs. Not beside `schedule_cron`.
# @param schedule_cron
#   A cron expression instead, such as `*/20 6-20 * * MON-FRI`.
# @param schedule_timezone
#   Of `schedule_cron` and `schedule_windows`: a time zone such as `Europe/Paris`.
# @param schedule_splay_mode
#   How nodes are kept apart: by certname, by a slot that the collector gives, or not at all.
# @param schedule_splay_window
#   What the nodes are spread over.
# @param schedule_catch_up
#   Within what time a missed run, and the first one, starts.
# @param schedule_retries
#   How often a run that never reached its server is tried again.
# @param schedule_windows
#   When runs may start, may change nothing, or may not start.
# @param schedule_skip_when_battery
#   No scheduled run on battery.
# @param schedule_skip_when_load_per_core
#   No scheduled run above this load.
# @param schedule_skip_when_file
#   No scheduled run while this file exists.
# @param schedule_skip_when_command
#   No scheduled run while this program says no: its path and arguments.
# @param puppet_command
#   `agent`, or `apply` without a server.
# @param puppet_manifest
#   Of `apply`: a manifest, or a directory of them.
# @param puppet_binary
#   Where Puppet is.
# @param puppet_confdir
#   Puppet's own confdir.
# @param puppet_certname
#   The certname, where Puppet cannot be asked.
# @param puppet_environment
#   The environment to ask for.
# @param puppet_extra_args
#   More arguments for Puppet, of those that are allowed.
# @param puppet_noop
#   Whether runs change nothing.
# @param puppet_cached_catalog_on_failure
#   Whether to apply the last catalog when the server gives none.
# @param puppet_timeout
#   How long a run may take.
# @param puppet_lock_wait
#   How long to wait for a Puppet that somebody else has started.
# @param puppet_nice
#   Puppet's priority.
# @param puppet_job_id
#   Whether to pass `--job-id`; false on Puppet Enterprise.
# @param reporter_url
#   The collector, such as `https://puppet.example.com:8150`.
# @param reporter_tls_mode
#   By what the node and the collector know each other.
# @param reporter_tls_cert
#   Of `files`: the certificate.
# @param reporter_tls_key
#   Of `files`: its key.
# @param reporter_tls_ca
#   Of `files`: the CA of the collector's certificate.
# @param reporter_token_file
#   A file that holds a bearer token, for a collector that is not ours.
# @param reporter_spool_max
#   How many outcomes wait at most.
# @param reporter_log_tail
#   How much of the end of Puppet's output is sent. It may hold secrets.
# @param history_runs
#   How many runs are kept.
# @param history_days
#   For how many days.
# @param history_size
#   How large they may be together.
# @param shutdown_inhibit
#   What a run does when the system is to go down.
# @param hooks_dir
#   Where `post-run.d` is.
# @param check_failed
#   How bad it is that the last run failed.
# @param check_stale
#   How bad it is that an old catalog was applied.
# @param check_errored
#   How bad it is that no catalog was applied.
# @param check_timed_out
#   How bad it is that the last run timed out.
# @param check_interrupted
#   How bad it is that the last run was interrupted.
# @param check_overdue
#   How bad it is that two slots have passed.
# @param check_condition
#   How bad it is that a condition keeps off one run after the other.
# @param check_disabled
#   How bad it is that Puppet is disabled.
# @param check_disabled_days
#   After how many days disabled is critical; 0: never.
# @param check_held
#   How bad it is that runs are held by puppet-cron.
# @param check_noop_held
#   How bad it is that runs are kept from changing anything.
# @param check_service_down
#   How bad it is that the service is not running.
# @param check_service_trouble
#   How bad it is that the service has a trouble.
# @param check_reporting
#   How bad it is that outcomes are not reported.
# @param check_certificate_warning_days
#   How many days before the node's certificate ends there is a warning.
# @param check_certificate_critical_days
#   How many days before it is critical.
# @param metrics_textfile
#   A file for node_exporter's textfile collector.
# @param state_dir
#   Where the state is kept.
# @param log_level
#   What is logged.
# @param log_format
#   How.
class puppet_cron (
  Enum['present', 'absent']       $ensure           = 'present',
  Boolean                         $manage_package   = true,
  String[1]                       $package_ensure   = 'installed',
  Optional[Puppet_cron::Source]   $package_source   = undef,
  Optional[Pattern[/\A\h{64}\z/]] $package_sha256   = undef,
  Optional[String[1]]             $package_provider = undef,
  Enum['running', 'stopped']      $service_ensure   = 'running',
  Boolean                         $service_enable   = true,
  Boolean                         $replace_others   = true,
  Optional[Puppet_cron::Duration]                            $schedule_every = undef,
  Optional[String[1]]                                        $schedule_cron = undef,
  Optional[String[1]]                                        $schedule_timezone = undef,
  Optional[Enum['hash', 'slot', 'none']]                     $schedule_splay_mode = undef,
  Optional[Variant[Enum['auto'], Puppet_cron::Duration]]     $schedule_splay_window = undef,
  Optional[Puppet_cron::Duration]                            $schedule_catch_up = undef,
  Optional[Integer[0, 100]]                                  $schedule_retries = undef,
  Optional[Array[Puppet_cron::Window]]                       $schedule_windows = undef,
  Optional[Boolean]                                          $schedule_skip_when_battery = undef,
  Optional[Variant[Enum['never'], Numeric]]                  $schedule_skip_when_load_per_core = undef,
  Optional[Puppet_cron::Absolutepath]                        $schedule_skip_when_file = undef,
  Optional[Array[String[1], 1]]                              $schedule_skip_when_command = undef,
  Optional[Enum['agent', 'apply']]                           $puppet_command = undef,
  Optional[Puppet_cron::Absolutepath]                        $puppet_manifest = undef,
  Optional[Variant[Enum['auto'], Puppet_cron::Absolutepath]] $puppet_binary = undef,
  Optional[Puppet_cron::Absolutepath]                        $puppet_confdir = undef,
  Optional[Pattern[/\A[a-z0-9._-]{1,255}\z/]]                $puppet_certname = undef,
  Optional[Pattern[/\A\w{1,255}\z/]]                         $puppet_environment = undef,
  Optional[Array[String[1]]]                                 $puppet_extra_args = undef,
  Optional[Variant[Enum['auto'], Boolean]]                   $puppet_noop = undef,
  Optional[Variant[Enum['auto'], Boolean]]                   $puppet_cached_catalog_on_failure = undef,
  Optional[Variant[Enum['auto'], Puppet_cron::Duration]]     $puppet_timeout = undef,
  Optional[Puppet_cron::Duration]                            $puppet_lock_wait = undef,
  Optional[Integer[-20, 19]]                                 $puppet_nice = undef,
  Optional[Boolean]                                          $puppet_job_id = undef,
  Optional[Pattern[/\Ahttps?:\/\/\S+\z/]]                    $reporter_url = undef,
  Optional[Enum['puppet', 'files', 'none']]                  $reporter_tls_mode = undef,
  Optional[Puppet_cron::Absolutepath]                        $reporter_tls_cert = undef,
  Optional[Puppet_cron::Absolutepath]                        $reporter_tls_key = undef,
  Optional[Puppet_cron::Absolutepath]                        $reporter_tls_ca = undef,
  Optional[Puppet_cron::Absolutepath]                        $reporter_token_file = undef,
  Optional[Integer[1, 1000000]]                              $reporter_spool_max = undef,
  Optional[Puppet_cron::Size]                                $reporter_log_tail = undef,
  Optional[Integer[1, 1000000]]                              $history_runs = undef,
  Optional[Integer[1, 36500]]                                $history_days = undef,
  Optional[Puppet_cron::Size]                                $history_size = undef,
  Optional[Enum['off', 'delay', 'block']]                    $shutdown_inhibit = undef,
  Optional[Puppet_cron::Absolutepath]                        $hooks_dir = undef,
  Optional[Puppet_cron::Severity]                            $check_failed = undef,
  Optional[Puppet_cron::Severity]                            $check_stale = undef,
  Optional[Puppet_cron::Severity]                            $check_errored = undef,
  Optional[Puppet_cron::Severity]                            $check_timed_out = undef,
  Optional[Puppet_cron::Severity]                            $check_interrupted = undef,
  Optional[Puppet_cron::Severity]                            $check_overdue = undef,
  Optional[Puppet_cron::Severity]                            $check_condition = undef,
  Optional[Puppet_cron::Severity]                            $check_disabled = undef,
  Optional[Integer[0, 36500]]                                $check_disabled_days = undef,
  Optional[Puppet_cron::Severity]                            $check_held = undef,
  Optional[Puppet_cron::Severity]                            $check_noop_held = undef,
  Optional[Puppet_cron::Severity]                            $check_service_down = undef,
  Optional[Puppet_cron::Severity]                            $check_service_trouble = undef,
  Optional[Puppet_cron::Severity]                            $check_reporting = undef,
  Optional[Integer[0, 36500]]                                $check_certificate_warning_days = undef,
  Optional[Integer[0, 36500]]                                $check_certificate_critical_days = undef,
  Optional[Pattern[/\A\/.*[^\/]\.prom\z/]]                   $metrics_textfile = undef,
  Optional[Puppet_cron::Absolutepath]                        $state_dir = undef,
  Optional[Enum['debug', 'info', 'warn', 'error']]           $log_level = undef,
  Optional[Enum['auto', 'text', 'json']]                     $log_format = undef,
) {
  $settings = {
    'schedule'  => {
      'every'     => $schedule_every,
      'cron'      => $schedule_cron,
      'timezone'  => $schedule_timezone,
      'splay'     => {
        'mode'   => $schedule_splay_mode,
        'window' => $schedule_splay_window,
      },
      'catch_up'  => $schedule_catch_up,
      'retries'   => $schedule_retries,
      'windows'   => $schedule_windows,
      'skip_when' => {
        'battery'       => $schedule_skip_when_battery,
        'load_per_core' => $schedule_skip_when_load_per_core,
        'file'          => $schedule_skip_when_file,
        'command'       => $schedule_skip_when_command,
      },
    },
    'puppet'    => {
      'command'                   => $puppet_command,
      'manifest'                  => $puppet_manifest,
      'binary'                    => $puppet_binary,
      'confdir'                   => $puppet_confdir,
      'certname'                  => $puppet_certname,
      'environment'               => $puppet_environment,
      'extra_args'                => $puppet_extra_args,
      'noop'                      => $puppet_noop,
      'cached_catalog_on_failure' => $puppet_cached_catalog_on_failure,
      'timeout'                   => $puppet_timeout,
      'lock_wait'                 => $puppet_lock_wait,
      'nice'                      => $puppet_nice,
      'job_id'                    => $puppet_job_id,
    },
    'reporter'  => {
      'url'        => $reporter_url,
      'tls'        => {
        'mode' => $reporter_tls_mode,
        'cert' => $reporter_tls_cert,
        'key'  => $reporter_tls_key,
        'ca'   => $reporter_tls_ca,
      },
      'token_file' => $reporter_token_file,
      'spool_max'  => $reporter_spool_max,
      'log_tail'   => $reporter_log_tail,
    },
    'history'   => {
      'runs' => $history_runs,
      'days' => $history_days,
      'size' => $history_size,
    },
    'shutdown'  => {
      'inhibit' => $shutdown_inhibit,
    },
    'hooks_dir' => $hooks_dir,
    'check'     => {
      'failed'          => $check_failed,
      'stale'           => $check_stale,
      'errored'         => $check_errored,
      'timed_out'       => $check_timed_out,
      'interrupted'     => $check_interrupted,
      'overdue'         => $check_overdue,
      'condition'       => $check_condition,
      'disabled'        => $check_disabled,
      'disabled_days'   => $check_disabled_days,
      'held'            => $check_held,
      'noop_held'       => $check_noop_held,
      'service_down'    => $check_service_down,
      'service_trouble' => $check_service_trouble,
      'reporting'       => $check_reporting,
      'certificate'     => {
        'warning_days'  => $check_certificate_warning_days,
        'critical_days' => $check_certificate_critical_days,
      },
    },
    'metrics'   => {
      'textfile' => $metrics_textfile,
    },
    'state_dir' => $state_dir,
    'log'       => {
      'level'  => $log_level,
      'format' => $log_format,
    },
  }

  if $ensure == 'present' {
    contain puppet_cron::install
    contain puppet_cron::config
    contain puppet_cron::service

    Class['puppet_cron::install'] -> Class['puppet_cron::config'] ~> Class['puppet_cron::service']
    Class['puppet_cron::install'] ~> Class['puppet_cron::service']
  } else {
    contain puppet_cron::remove
  }
}
