# @summary The configuration of puppet-cron, which the program itself checks first.
# @api private
class puppet_cron::config {
  file { '/etc/puppet-cron':
    ensure => directory,
    owner  => 'root',
    group  => 'root',
    mode   => '0755',
  }
  file { '/etc/puppet-cron/puppet-cron.yaml':
    ensure       => file,
    owner        => 'root',
    group        => 'root',
    mode         => '0644',
    content      => puppet_cron::yaml($puppet_cron::settings),
    validate_cmd => '/usr/bin/puppet-cron config check %',
  }

  # The unit lets the service write its own directories only: others are to be named to it.
  $metrics_dir = $puppet_cron::metrics_textfile ? {
    undef   => undef,
    default => regsubst($puppet_cron::metrics_textfile, '/[^/]+\z', ''),
  }
  $writes = [$puppet_cron::state_dir, $metrics_dir].filter |$dir| { $dir =~ NotUndef }
  if $writes.empty {
    file { '/etc/systemd/system/puppet-cron.service.d/puppet.conf':
      ensure => absent,
      notify => Exec['puppet-cron: daemon-reload'],
    }
  } else {
    file { $puppet_cron::state_dir ? { undef => [], default => [$puppet_cron::state_dir] }:
      ensure => directory,
      owner  => 'root',
      group  => 'root',
      mode   => '0755',
    }
    file { '/etc/systemd/system/puppet-cron.service.d':
      ensure => directory,
      mode   => '0755',
    }
    file { '/etc/systemd/system/puppet-cron.service.d/puppet.conf':
      ensure  => file,
      mode    => '0644',
      content => epp('puppet_cron/writes.conf.epp', { 'directories' => $writes }),
      notify  => Exec['puppet-cron: daemon-reload'],
    }
  }
  exec { 'puppet-cron: daemon-reload':
    command     => 'systemctl daemon-reload',
    path        => ['/usr/bin', '/bin'],
    onlyif      => 'test -d /run/systemd/system',
    refreshonly => true,
  }
}
