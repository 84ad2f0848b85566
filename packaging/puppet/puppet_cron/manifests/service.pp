# @summary The service; once it serves, whatever else runs Puppet is stopped.
# @api private
class puppet_cron::service {
  service { 'puppet-cron':
    ensure => $puppet_cron::service_ensure,
    enable => $puppet_cron::service_enable,
  }

  # Where ours does not serve, somebody else should.
  if $puppet_cron::replace_others and $puppet_cron::service_ensure == 'running' {
    puppet_cron_takeover { 'puppet-cron':
      ensure  => present,
      require => Service['puppet-cron'],
    }
  }
}
