# @summary The collector's service. While it restarts, nodes keep their outcomes.
# @api private
class puppet_cron::collector::service {
  service { 'puppet-cron-collector':
    ensure => $puppet_cron::collector::service_ensure,
    enable => $puppet_cron::collector::service_enable,
  }
}
