# @summary A receiver of the collector's alerts.
type Puppet_cron::Webhook = Struct[{
  'name'                  => String[1],
  'url'                   => Pattern[/\Ahttps?:\/\//],
  Optional['secret_file'] => Puppet_cron::Absolutepath,
}]
