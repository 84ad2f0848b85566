# @summary When runs may start, may change nothing (noop), or may not start (skip).
type Puppet_cron::Window = Struct[{
  Optional['days'] => String[1],
  'from'           => Puppet_cron::Time,
  'to'             => Puppet_cron::Time,
  Optional['mode'] => Enum['run', 'noop', 'skip'],
}]
