# @summary A package of puppet-cron, from the node's repositories, a file or a URL.
#
# @param ensure
#   What the package type takes: `installed`, `latest`, a version.
# @param source
#   Where the package file is; `undef`: the node's repositories have it.
# @param sha256
#   The SHA-256 of the package file, in hexadecimal.
# @param provider
#   What installs a file: `dpkg` or `rpm`.
#
# @api private
define puppet_cron::package (
  String[1]                       $ensure,
  Optional[Puppet_cron::Source]   $source   = undef,
  Optional[Pattern[/\A\h{64}\z/]] $sha256   = undef,
  Optional[String[1]]             $provider = undef,
) {
  if $source == undef {
    package { $title: ensure => $ensure }
  } elsif $source =~ Puppet_cron::Absolutepath and $sha256 == undef {
    package { $title:
      ensure   => $ensure,
      source   => $source,
      provider => $provider,
    }
  } else {
    # The version is in the name of the file, so that each is fetched once, and checked.
    $folder = "/var/cache/${title}"
    $file   = "${folder}/${regsubst($source, '\A.*/', '')}"
    file { $folder:
      ensure  => directory,
      mode    => '0755',
      recurse => true,
      purge   => true,
    }
    file { $file:
      ensure         => file,
      mode           => '0644',
      source         => $source,
      checksum       => 'sha256',
      checksum_value => $sha256,
    }
    -> package { $title:
      ensure   => $ensure,
      source   => $file,
      provider => $provider,
    }
  }
}
