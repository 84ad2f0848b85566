# @summary Keeps what the nodes' puppet-cron report, and shows the fleet.
#
# Each key of the program's configuration is a parameter, named by its path: `silence.missed`
# is `silence_missed`. What is left out keeps the program's default. `puppet-cron-collector
# config reference` explains every key.
#
# @example On the host of the CA
#   include puppet_cron::collector
#
# @param ensure
#   `absent` removes the collector; its database stays.
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
# @param listen
#   The address of the API, HTTPS: host:port.
# @param database
#   Where runs are kept: `sqlite:/PATH` or `postgres://…`. Sensitive when it holds a password.
# @param tls_cert
#   The collector's certificate.
# @param tls_key
#   Its key, which its user must be able to read.
# @param tls_ca
#   The CA of the nodes' certificates.
# @param tls_crl
#   Which of them were revoked; an empty string: none.
# @param tls_crl_url
#   Where the CA gives a newer list; an empty string: nowhere.
# @param operators_certnames
#   Certificates that may read everything and retire nodes.
# @param retention_unchanged
#   For how long unchanged and skipped runs are kept.
# @param retention_changed
#   For how long changed ones.
# @param retention_failed
#   For how long all others.
# @param silence_missed
#   After how many missed runs a node is silent.
# @param silence_grace
#   For how long what is due is waited for.
# @param silence_retire
#   After how long a silent node is retired.
# @param alerts_failing_after
#   How many failed runs in a row are a trouble.
# @param alerts_stale_after
#   How many runs with an old catalog.
# @param alerts_errored_after
#   How many without a catalog.
# @param alerts_certificate_within
#   How long before a node's certificate ends.
# @param alerts_group_share
#   What share of the fleet makes one alert of many.
# @param alerts_remind
#   After how long people are told again; `0s`: never.
# @param alerts_url
#   How people reach this collector, for links.
# @param alerts_webhooks
#   Who is told.
# @param log_level
#   What is logged.
# @param log_format
#   How.
class puppet_cron::collector (
  Enum['present', 'absent']       $ensure           = 'present',
  Boolean                         $manage_package   = true,
  String[1]                       $package_ensure   = 'installed',
  Optional[Puppet_cron::Source]   $package_source   = undef,
  Optional[Pattern[/\A\h{64}\z/]] $package_sha256   = undef,
  Optional[String[1]]             $package_provider = undef,
  Enum['running', 'stopped']      $service_ensure   = 'running',
  Boolean                         $service_enable   = true,
  Optional[Pattern[/:[0-9]+\z/]]                                 $listen = undef,
  Optional[Variant[Sensitive[String[1]], String[1]]]             $database = undef,
  Optional[Variant[Enum['auto'], Puppet_cron::Absolutepath]]     $tls_cert = undef,
  Optional[Variant[Enum['auto'], Puppet_cron::Absolutepath]]     $tls_key = undef,
  Optional[Variant[Enum['auto'], Puppet_cron::Absolutepath]]     $tls_ca = undef,
  Optional[Variant[Enum['auto', ''], Puppet_cron::Absolutepath]] $tls_crl = undef,
  Optional[Variant[Enum['auto', ''], Pattern[/\Ahttps?:\/\//]]]  $tls_crl_url = undef,
  Optional[Array[String[1]]]                                     $operators_certnames = undef,
  Optional[Puppet_cron::Days]                                    $retention_unchanged = undef,
  Optional[Puppet_cron::Days]                                    $retention_changed = undef,
  Optional[Puppet_cron::Days]                                    $retention_failed = undef,
  Optional[Integer[1, 100]]                                      $silence_missed = undef,
  Optional[Puppet_cron::Duration]                                $silence_grace = undef,
  Optional[Puppet_cron::Days]                                    $silence_retire = undef,
  Optional[Integer[1, 1000]]                                     $alerts_failing_after = undef,
  Optional[Integer[1, 1000]]                                     $alerts_stale_after = undef,
  Optional[Integer[1, 1000]]                                     $alerts_errored_after = undef,
  Optional[Puppet_cron::Days]                                    $alerts_certificate_within = undef,
  Optional[Pattern[/\A[0-9]+(\.[0-9]+)?%\z/]]                    $alerts_group_share = undef,
  Optional[Puppet_cron::Duration]                                $alerts_remind = undef,
  Optional[Pattern[/\Ahttps?:\/\//]]                             $alerts_url = undef,
  Optional[Array[Puppet_cron::Webhook]]                          $alerts_webhooks = undef,
  Optional[Enum['debug', 'info', 'warn', 'error']]               $log_level = undef,
  Optional[Enum['auto', 'text', 'json']]                         $log_format = undef,
) {
  # Its password, if it has one, is in the file alone, and in no report.
  $plain = $database ? {
    Sensitive => $database.unwrap,
    default   => $database,
  }
  $settings = {
    'listen'    => $listen,
    'database'  => $plain,
    'tls'       => {
      'cert'    => $tls_cert,
      'key'     => $tls_key,
      'ca'      => $tls_ca,
      'crl'     => $tls_crl,
      'crl_url' => $tls_crl_url,
    },
    'operators' => {
      'certnames' => $operators_certnames,
    },
    'retention' => {
      'unchanged' => $retention_unchanged,
      'changed'   => $retention_changed,
      'failed'    => $retention_failed,
    },
    'silence'   => {
      'missed' => $silence_missed,
      'grace'  => $silence_grace,
      'retire' => $silence_retire,
    },
    'alerts'    => {
      'failing_after'      => $alerts_failing_after,
      'stale_after'        => $alerts_stale_after,
      'errored_after'      => $alerts_errored_after,
      'certificate_within' => $alerts_certificate_within,
      'group_share'        => $alerts_group_share,
      'remind'             => $alerts_remind,
      'url'                => $alerts_url,
      'webhooks'           => $alerts_webhooks,
    },
    'log'       => {
      'level'  => $log_level,
      'format' => $log_format,
    },
  }

  if $ensure == 'present' {
    contain puppet_cron::collector::install
    contain puppet_cron::collector::config
    contain puppet_cron::collector::service

    Class['puppet_cron::collector::install']
    -> Class['puppet_cron::collector::config']
    ~> Class['puppet_cron::collector::service']
    Class['puppet_cron::collector::install'] ~> Class['puppet_cron::collector::service']
  } else {
    contain puppet_cron::collector::remove
  }
}
