# @summary Gives back what was replaced, then removes puppet-cron. Its state and history stay.
# @api private
class puppet_cron::remove {
  puppet_cron_takeover { 'puppet-cron':
    ensure => absent,
  }
  -> package { 'puppet-cron':
    ensure => absent,
  }
  -> file { ['/etc/puppet-cron/puppet-cron.yaml', '/etc/systemd/system/puppet-cron.service.d/puppet.conf']:
    ensure => absent,
  }
  -> file { '/var/cache/puppet-cron':
    ensure => absent,
    force  => true,
  }
}
