# What a run does is chosen by the fact `case`, and where by the fact `workdir`: FACTER_case and FACTER_workdir in the
# agent's environment. The fact `nonce` makes a file's content new, so that a run has something to change.
node default {
  $case = $facts['case']
  $dir = $facts['workdir']
  $nonce = $facts['nonce']
  unless $dir =~ Pattern[/\A\//] { fail('the fact workdir is not set') }

  case $case {
    'unchanged': {
      exec { 'never': command => '/bin/true', unless => '/bin/true' }
    }
    'changed': {
      file { "${dir}/motd": ensure => file, content => "${environment} ${nonce}\n" }
      exec { '/bin/echo hello from exec': logoutput => true }
    }
    'failed': {
      exec { '/bin/sh -c "echo boom >&2; exit 3"': logoutput => on_failure }
    }
    'failed_and_changed': {
      exec { '/bin/false': }
      -> notify { 'skipped': }
      file { "${dir}/other": ensure => file, content => "${nonce}\n" }
    }
    'failed_restart': {
      file { "${dir}/config": ensure => file, content => "${nonce}\n" }
      ~> exec { 'reload': command => '/bin/false', refreshonly => true }
    }
    # Corrective once the content was right in an earlier run and somebody has changed it since.
    'corrective': {
      file { "${dir}/fixed": ensure => file, content => "fixed content\n" }
    }
    'compile_error': {
      fail("deliberate compile failure for ${trusted['certname']}")
    }
    'missing_class': {
      include no::such::klass
    }
    'cycle': {
      notify { 'hen': require => Notify['egg'] }
      notify { 'egg': require => Notify['hen'] }
    }
    'slow': {
      lab::shell { 'sleep': script => file('lab/sleep.sh') }
    }
    'slow10': {
      exec { '/bin/sleep 10': timeout => 300 }
    }
    'stubborn': {
      lab::shell { 'stubborn': script => file('lab/stubborn.sh') }
    }
    'daemon': {
      lab::shell { 'daemon': script => file('lab/daemon.sh') }
      -> lab::shell { 'sleep': script => file('lab/sleep.sh') }
    }
    'sensitive': {
      file { "${dir}/secret": content => Sensitive("s3cret ${nonce}\n") }
    }
    'big': {
      lab::files { $dir: count => 300 }
    }
    'huge': {
      lab::files { $dir: count => 1500 }
    }
    default: {
      fail("the fact case is '${case}', which this manifest does not know")
    }
  }
}
