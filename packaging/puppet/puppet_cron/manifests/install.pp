# @summary Installs the package of puppet-cron. Its upgrade harms no run, this one neither.
# @api private
class puppet_cron::install {
  if $puppet_cron::manage_package {
    puppet_cron::package { 'puppet-cron':
      ensure   => $puppet_cron::package_ensure,
      source   => $puppet_cron::package_source,
      sha256   => $puppet_cron::package_sha256,
      provider => $puppet_cron::package_provider,
    }
  }
}
