# @summary Removes the collector. Its database stays.
# @api private
class puppet_cron::collector::remove {
  package { 'puppet-cron-collector':
    ensure => absent,
  }
  -> file { '/etc/puppet-cron/collector.yaml':
    ensure => absent,
  }
  -> file { '/var/cache/puppet-cron-collector':
    ensure => absent,
    force  => true,
  }
}
