# @summary The configuration of the collector, which the program itself checks first.
# @api private
class puppet_cron::collector::config {
  # A database may be named in it with its password: for root and the collector's user alone.
  file { '/etc/puppet-cron/collector.yaml':
    ensure       => file,
    owner        => 'root',
    group        => 'puppet-cron-collector',
    mode         => '0640',
    content      => Sensitive(puppet_cron::yaml($puppet_cron::collector::settings)),
    validate_cmd => '/usr/bin/puppet-cron-collector config check %',
  }
}
