# @summary Installs the package of the collector, which makes its user.
# @api private
class puppet_cron::collector::install {
  if $puppet_cron::collector::manage_package {
    puppet_cron::package { 'puppet-cron-collector':
      ensure   => $puppet_cron::collector::package_ensure,
      source   => $puppet_cron::collector::package_source,
      sha256   => $puppet_cron::collector::package_sha256,
      provider => $puppet_cron::collector::package_provider,
    }
  }
}
